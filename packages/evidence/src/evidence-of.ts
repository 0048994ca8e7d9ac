// Everything verifiable about one artifact, as one value.
import { NOT_CHECKED, type Evidence, type Kind } from "@pratique/contracts";
import { canonicalJson, digestOf, isPratiqueError, type Digest } from "@pratique/core";
import { parseManifest, type Descriptor } from "@pratique/oci";
import { readClearance } from "./clearance.ts";
import type { EvidenceCache } from "./evidence-cache.ts";
import { CREATED_ANNOTATION } from "./media-types.ts";
import {
  CYCLONEDX_PREDICATE,
  PROVENANCE_PREDICATE,
  PROVENANCE_V02_PREDICATE,
  SIGNATURE_PREDICATE,
  VSA_PREDICATE,
} from "./predicates.ts";
import { readProvenance } from "./provenance.ts";
import { readSbom } from "./read-sbom.ts";
import { fingerprintOf, OWNER, type Trust } from "./trust.ts";
import { verifyReferrers, type EvidenceSource, type VerifiedStatement } from "./verify.ts";

/** Evidence, and the bundles it rests on; earlier clearances are no ground for a new one. */
export interface EvidenceReading {
  readonly evidence: Evidence;
  readonly bundles: readonly Digest[];
}

/** Reads, verifies and sums up what hangs on an artifact. With a cache, only when something changed. */
export async function evidenceOf(
  repo: EvidenceSource,
  subject: Descriptor,
  kind: Kind,
  trust: Trust,
  cache?: EvidenceCache,
): Promise<Evidence> {
  return (await readEvidence(repo, subject, kind, trust, cache)).evidence;
}

export async function readEvidence(
  repo: EvidenceSource,
  subject: Descriptor,
  kind: Kind,
  trust: Trust,
  cache?: EvidenceCache,
): Promise<EvidenceReading> {
  const referrers = await repo.referrers(subject.digest);
  const digests = referrers.map(({ digest }) => digest).sort();
  const key = digestOf(canonicalJson([repo.name, subject.digest, kind, fingerprintOf(trust), ...digests]));
  const cached = cache?.get(key);
  if (cached !== undefined) return cached;

  const { verified, rejected } = await verifyReferrers(repo, subject, referrers, trust);
  const facts = factsOf(verified);
  const { created, hasPickle } = await manifestFacts(repo, subject, verified);
  const evidence: Evidence = {
    repository: repo.name,
    digest: subject.digest,
    kind,
    ...facts,
    pickle: facts.pickle === true || (kind === "model" && hasPickle),
    rejected: rejected.map(({ digest, reason }) => ({ digest, reason })),
    created,
  };
  const inputs = verified.filter(({ predicateType }) => predicateType !== VSA_PREDICATE);
  const reading = { evidence, bundles: inputs.map(({ bundleDigest }) => bundleDigest) };
  // What was missing may come without a change of the list: such a reading is not kept.
  if (!rejected.some(({ reason }) => reason === "missing")) cache?.set(key, reading);
  return reading;
}

type Facts = Omit<Evidence, "repository" | "digest" | "kind" | "rejected" | "created">;

/** Pure: from verified statements (newest first) to facts. */
function factsOf(verified: readonly VerifiedStatement[]): Facts {
  const ofType = (...types: string[]): VerifiedStatement[] =>
    verified.filter(({ predicateType }) => types.includes(predicateType));
  const signatures = ofType(SIGNATURE_PREDICATE).map(({ signer }) => signer);
  const signers = [...new Map(signatures.map((signer) => [signer.id, signer])).values()];
  const sbom = firstOf(ofType(CYCLONEDX_PREDICATE), ({ predicate }) => readSbom(predicate));
  const provenance = firstOf(ofType(PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE), ({ predicateType, predicate }) =>
    readProvenance(predicateType, predicate),
  );
  return {
    imageType: signers.length === 0 ? "community" : signers.some(isOwner) ? "organization" : "verified",
    signers,
    ...(provenance === undefined
      ? {}
      : {
          provenance: {
            ...provenance.facts,
            slsaLevel: provenance.statement.trust.slsaLevel,
            signer: provenance.statement.signer,
          },
        }),
    ...(sbom === undefined
      ? {}
      : {
          sbom: {
            format: sbom.facts.format,
            components: sbom.facts.components,
            signer: sbom.statement.signer,
          },
        }),
    ...(sbom?.facts.describesModel === true
      ? { aibom: { format: sbom.facts.format, signer: sbom.statement.signer } }
      : {}),
    licences: [...(sbom?.facts.licences ?? [])],
    // Whoever saw one is believed, whatever a newer bill of materials leaves out.
    pickle: ofType(CYCLONEDX_PREDICATE).some(({ predicate }) => readSbom(predicate)?.unsafeFormats.includes("pickle")),
    // Nothing looks vulnerabilities up yet.
    vulnerabilities: NOT_CHECKED,
    clearances: ofType(VSA_PREDICATE).flatMap((statement) => readClearance(statement) ?? []),
  };
}

function firstOf<T>(
  statements: readonly VerifiedStatement[],
  read: (statement: VerifiedStatement) => T | undefined,
): { readonly statement: VerifiedStatement; readonly facts: T } | undefined {
  for (const statement of statements) {
    const facts = read(statement);
    if (facts !== undefined) return { statement, facts };
  }
  return undefined;
}

function isOwner({ name }: { readonly name: string }): boolean {
  return name === OWNER;
}

interface ManifestFacts {
  readonly created: string | undefined;
  /** A file in it has a name that only pickles have: believed when nobody has looked into it. */
  readonly hasPickle: boolean;
}

const PICKLE_NAME = /\.(?:pkl|pickle|pt|pth|ckpt|joblib)$|(?:^|\/)pytorch_model[^/]*\.bin$/i;
const NAMES = ["org.cncf.model.filepath", "org.cnai.model.filepath", "org.opencontainers.image.title"];

/** What its own manifest says (the digest covers it), else when its build finished: 1970 stands for no time at all. */
async function manifestFacts(
  repo: EvidenceSource,
  subject: Descriptor,
  verified: readonly VerifiedStatement[],
): Promise<ManifestFacts> {
  const built = verified.find(({ predicateType }) => predicateType === PROVENANCE_PREDICATE)?.time;
  const manifest = await repo.manifest(subject.digest);
  if (manifest === undefined) return { created: built, hasPickle: false };
  try {
    const parsed = parseManifest(manifest.bytes, manifest.mediaType);
    const created = parsed.manifest.annotations?.[CREATED_ANNOTATION];
    const layers = parsed.type === "image" ? parsed.manifest.layers : [];
    const names = layers.flatMap(({ annotations }) => NAMES.flatMap((key) => annotations?.[key] ?? []));
    return {
      created: created === undefined || !(Date.parse(created) > 0) ? built : new Date(created).toISOString(),
      hasPickle: names.some((name) => PICKLE_NAME.test(name.replace(/\.tar$/, ""))),
    };
  } catch (error) {
    if (!isPratiqueError(error)) throw error;
    return { created: built, hasPickle: false };
  }
}
