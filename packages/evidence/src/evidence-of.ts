// Everything verifiable about one artifact, as one value.
import { NOT_CHECKED, type Evidence, type Finding, type Kind } from "@pratique/contracts";
import { canonicalJson, digestOf, isPratiqueError, type Clock, type Digest, type JsonObject } from "@pratique/core";
import { parseManifest, type Descriptor } from "@pratique/oci";
import { isSbomPredicate, readSbom, type SbomFacts } from "@pratique/sbom";
import { readClearance } from "./clearance.ts";
import { listEvidence } from "./cosign-legacy/legacy-tag.ts";
import { countsOf } from "./count-findings.ts";
import type { EvidenceCache } from "./evidence-cache.ts";
import { CREATED_ANNOTATION } from "./media-types.ts";
import {
  OPENVEX_PREDICATES,
  PROVENANCE_PREDICATE,
  SIGNATURE_PREDICATE,
  VSA_PREDICATE,
  WAIVER_PREDICATE,
} from "./predicates.ts";
import { provenanceVerdicts } from "./provenance-verdict.ts";
import { unmetOf } from "./requirements/meets.ts";
import { fingerprintOf, OWNER, type Trust } from "./trust.ts";
import { verifyReferrers, type EvidenceSource, type VerifiedStatement } from "./verify.ts";
import type { VulnerabilityOpinion } from "./vulnerability-opinion.ts";
import { applyWaivers, type AppliedWaivers } from "./waivers/apply-waivers.ts";
import type { SignedWaiver, WaiverBook } from "./waivers/waiver-book.ts";
import { readWaivers } from "./waivers/waiver-statement.ts";

/** What evidence rests on besides what hangs on the artifact. */
export interface EvidenceGround {
  readonly opinion?: VulnerabilityOpinion | undefined;
  readonly waivers?: WaiverBook | undefined;
  readonly clock: Clock;
}

/** Evidence, and the bundles it rests on; earlier clearances are no ground for a new one. */
export interface EvidenceReading {
  readonly evidence: Evidence;
  readonly bundles: readonly Digest[];
  /** The findings that count most, for people: at most so many. */
  readonly notable: readonly Finding[];
  /** Milliseconds: until then it stays so, if nothing else changes. */
  readonly until: number;
  /** Not so, it is made anew each time: something was missing, or changed while it was read. */
  readonly isSettled: boolean;
}

const NOTABLE_LIMIT = 20;

/** Reads, verifies and sums up what hangs on an artifact. With a cache, only when something changed. */
export async function evidenceOf(
  repo: EvidenceSource,
  subject: Descriptor,
  kind: Kind,
  trust: Trust,
  cache?: EvidenceCache,
  ground?: EvidenceGround,
): Promise<Evidence> {
  return (await readEvidence(repo, subject, kind, trust, cache, ground)).evidence;
}

/** Names what evidence rests on besides the artifact: equal ground, equal text. */
export function stampOf({ opinion, waivers }: Pick<EvidenceGround, "opinion" | "waivers">): string {
  return JSON.stringify([opinion?.version() ?? "", waivers?.version() ?? ""]);
}

export async function readEvidence(
  repo: EvidenceSource,
  subject: Descriptor,
  kind: Kind,
  trust: Trust,
  cache?: EvidenceCache,
  ground?: EvidenceGround,
): Promise<EvidenceReading> {
  const referrers = await listEvidence(repo, subject.digest);
  const digests = referrers.map(({ digest }) => digest).sort();
  const stamp = ground === undefined ? "" : stampOf(ground);
  const key = digestOf(canonicalJson([repo.name, subject.digest, kind, fingerprintOf(trust), stamp, ...digests]));
  const cached = cache?.get(key);
  if (cached !== undefined && (ground?.clock.now().getTime() ?? 0) < cached.until) return cached;

  const { verified, rejected } = await verifyReferrers(repo, subject, referrers, trust);
  const looked = await vulnerabilitiesOf(repo.name, subject, kind, verified, ground);
  const { notable, applied, until, vulnerabilities } = looked;
  const unmet = unmetOf(trust.requirements ?? [], repo.name, verified);
  const facts = { ...factsOf(verified, trust), vulnerabilities, waivers: applied, unmet };
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
  const bundles = [
    ...new Set([...inputs.map(({ bundleDigest }) => bundleDigest), ...applied.map(({ bundle }) => bundle)]),
  ];
  // What was missing may come without a change of the list: such a reading is not kept. Neither is one that was made
  // while the database or the waivers changed.
  const isWhole = !looked.isProvisional && !rejected.some(({ reason }) => reason === "missing");
  const isSettled = isWhole && (ground === undefined || stampOf(ground) === stamp);
  const reading = { evidence, bundles, notable, until, isSettled };
  if (isSettled) cache?.set(key, reading);
  return reading;
}

interface Vulnerabilities {
  readonly vulnerabilities: Evidence["vulnerabilities"];
  readonly applied: AppliedWaivers["applied"];
  readonly notable: readonly Finding[];
  readonly until: number;
  readonly isProvisional: boolean;
}

const NOBODY_ASKED: Vulnerabilities = {
  vulnerabilities: NOT_CHECKED,
  applied: [],
  notable: [],
  until: Number.POSITIVE_INFINITY,
  isProvisional: false,
};

/** Asks about vulnerabilities, and leaves out what a waiver does. */
async function vulnerabilitiesOf(
  repository: string,
  { digest }: Descriptor,
  kind: Kind,
  verified: readonly VerifiedStatement[],
  ground: EvidenceGround | undefined,
): Promise<Vulnerabilities> {
  if (ground === undefined) return NOBODY_ASKED;
  const { opinion, waivers, clock } = ground;
  const answer = await opinion?.of({ digest, repository, kind, sbom: sbomPredicateOf(verified), vex: vexOf(verified) });
  const hanging = verified
    .filter(({ predicateType }) => predicateType === WAIVER_PREDICATE)
    .flatMap((statement) => readWaivers(statement))
    // On an artifact only what is said of this very one counts.
    .filter(({ waiver }) => waiver.scope.artifact === digest);
  const signed: SignedWaiver[] = [...hanging, ...(waivers?.standing() ?? [])].filter(
    ({ waiver }) => waivers?.isRemoved(waiver.id) !== true,
  );
  const { applied, findings, until } = applyWaivers(signed, answer?.findings ?? [], {
    repository,
    digest,
    now: clock.now(),
    fits: (pattern, name) => waivers?.fits(pattern, name) === true,
  });
  return {
    vulnerabilities: answer === undefined ? NOT_CHECKED : { ...answer.facts, ...countsOf(findings) },
    applied,
    notable: findings.filter(isNotable).slice(0, NOTABLE_LIMIT),
    until,
    isProvisional: answer?.isProvisional === true,
  };
}

function isNotable({ state, malicious, knownExploited, severity }: Finding): boolean {
  if (malicious) return true;
  return state !== "not_affected" && state !== "fixed" && (knownExploited || severity === "critical");
}

function sbomPredicateOf(verified: readonly VerifiedStatement[]): JsonObject | undefined {
  return sbomsOf(verified)[0]?.statement.predicate;
}

/** Bills of materials in any format, newest first. */
function sbomsOf(verified: readonly VerifiedStatement[]): { statement: VerifiedStatement; facts: SbomFacts }[] {
  return verified.flatMap((statement) => {
    const facts = isSbomPredicate(statement.predicateType) ? readSbom(statement.predicate) : undefined;
    return facts === undefined ? [] : [{ statement, facts }];
  });
}

function vexOf(
  verified: readonly VerifiedStatement[],
): { predicate: JsonObject; signer: VerifiedStatement["signer"] }[] {
  return verified
    .filter(({ predicateType }) => OPENVEX_PREDICATES.includes(predicateType))
    .map(({ predicate, signer }) => ({ predicate, signer }));
}

type Facts = Omit<
  Evidence,
  "repository" | "digest" | "kind" | "rejected" | "created" | "vulnerabilities" | "waivers" | "unmet"
>;

/** Pure: from verified statements (newest first) to facts. */
function factsOf(verified: readonly VerifiedStatement[], trust: Trust): Facts {
  const ofType = (...types: string[]): VerifiedStatement[] =>
    verified.filter(({ predicateType }) => types.includes(predicateType));
  const signatures = ofType(SIGNATURE_PREDICATE).map(({ signer }) => signer);
  const signers = [...new Map(signatures.map((signer) => [signer.id, signer])).values()];
  const sboms = sbomsOf(verified);
  const [sbom] = sboms;
  const [provenance] = provenanceVerdicts(verified, trust.builders ?? []);
  return {
    imageType: imageTypeOf(signers, trust),
    signers,
    ...(provenance === undefined
      ? {}
      : {
          provenance: {
            builder: provenance.facts.builder,
            buildType: provenance.facts.buildType,
            source: provenance.facts.source?.uri,
            slsaLevel: provenance.slsaLevel,
            signer: provenance.signer,
            builderName: provenance.builderName,
            reason: provenance.reason,
            ...(provenance.unmet.length === 0 ? {} : { unmet: [...provenance.unmet] }),
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
    pickle: sboms.some(({ facts }) => facts.unsafeFormats.includes("pickle")),
    clearances: ofType(VSA_PREDICATE).flatMap((statement) => readClearance(statement) ?? []),
  };
}

/** By who signed the artifact itself: the strongest of what the trust configuration says of them. */
function imageTypeOf(signers: Evidence["signers"], { imageTypes = {} }: Trust): Evidence["imageType"] {
  const types = signers.map(({ name }) => (Object.hasOwn(imageTypes, name) ? imageTypes[name] : undefined));
  if (types.includes("hardened")) return "hardened";
  if (types.includes("official")) return "official";
  if (signers.some(isOwner)) return "organization";
  return signers.length === 0 ? "community" : "verified";
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
