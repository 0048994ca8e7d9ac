// Reads all referrers of an artifact and keeps what verifies. Everything read here is hostile until it does.
import type { BundleWithDsseEnvelope } from "@sigstore/bundle";
import { digestOf, algorithmOf, isPratiqueError, readBounded, type Digest, type JsonObject } from "@pratique/core";
import { MEDIA_TYPES, parseManifest, type Descriptor, type ImageManifest, type Repository } from "@pratique/oci";
import { readBundle } from "./bundle.ts";
import { isLegacy, listEvidence } from "./cosign-legacy/legacy-tag.ts";
import { LAYER_LIMIT, readLegacySignatures } from "./cosign-legacy/read-legacy.ts";
import { preAuthEncoding } from "./dsse.ts";
import { matchIdentity } from "./keyless/trusted-identity.ts";
import { verifyByCertificate } from "./keyless/verify-by-certificate.ts";
import { CREATED_ANNOTATION, isBundleType, mayBeBundle } from "./media-types.ts";
import type { Rejection, RejectionReason } from "./rejection.ts";
import { verifySignature } from "./signing/verify-signature.ts";
import { signedTimeOf } from "./signed-time.ts";
import { decodeStatement, subjectWith } from "./statement.ts";
import { signersOf, type Trust, type TrustedSigner } from "./trust.ts";

/** What evidence is read from: a repository, as far as reading it goes. */
export type EvidenceSource = Pick<Repository, "name" | "referrers" | "manifest" | "openBlob">;

/** One statement about the artifact that a trusted key or identity signed. */
export interface VerifiedStatement {
  readonly predicateType: string;
  readonly predicate: JsonObject;
  readonly signer: TrustedSigner["signer"];
  /** How far its key or identity is trusted. */
  readonly trust: Pick<TrustedSigner, "clears" | "slsaLevel">;
  /** Digest of the bundle (the layer). */
  readonly bundleDigest: Digest;
  /** The manifest that carries it: what is deleted when it is superseded. */
  readonly referrer: Descriptor;
  readonly subjectName?: string | undefined;
  /** RFC 3339, UTC: from what was signed, else as a timestamp authority says; absent where neither tells. */
  readonly time?: string | undefined;
  /** Where it is no bundle: cosign 2's simple signing, whose manifest holds the signatures of others too. */
  readonly form?: "legacy" | undefined;
}

export interface Verification {
  /** Newest first, by signed time. */
  readonly verified: readonly VerifiedStatement[];
  readonly rejected: readonly Rejection[];
}

/** Referrers are read one by one and cost linearly: past this many, the rest is rejected as `too-many`. */
export const REFERRER_LIMIT = 128;
export const BUNDLE_LIMIT_BYTES = 48 * 1024 * 1024;
/** What all bundles of one artifact may cost together. */
const TOTAL_LIMIT_BYTES = 128 * 1024 * 1024;
const MANIFEST_LIMIT_BYTES = 256 * 1024;

/** Thrown inside this file only: one referrer is no evidence. */
class Rejected extends Error {
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/**
 * Verifies every referrer of `subject` against `trust`. One bad referrer never hides a good one.
 * A repository that cannot be read is an error, not an absence of evidence.
 */
export async function verifyArtifact(repo: EvidenceSource, subject: Descriptor, trust: Trust): Promise<Verification> {
  return verifyReferrers(repo, subject, await listEvidence(repo, subject.digest), trust);
}

/** As `verifyArtifact`, for referrers that were listed already. */
export async function verifyReferrers(
  repo: EvidenceSource,
  subject: Descriptor,
  referrers: readonly Descriptor[],
  trust: Trust,
): Promise<Verification> {
  const believed: Believed = {
    signers: signersOf(trust),
    identities: trust.identities ?? [],
    roots: trust.roots ?? [],
  };
  const verified: VerifiedStatement[] = [];
  const rejected: Rejection[] = [];
  const signers = [...believed.signers.values()];
  let budgetBytes = TOTAL_LIMIT_BYTES;
  let legacyLeft = LAYER_LIMIT;
  for (const [index, referrer] of inReadingOrder(referrers).entries()) {
    try {
      if (index >= REFERRER_LIMIT) throw new Rejected("too-many", `only ${REFERRER_LIMIT} referrers are read`);
      if (isLegacy(referrer)) {
        const legacy = await readLegacySignatures({ repo, subject, referrer, signers, limit: legacyLeft });
        legacyLeft = Math.max(0, legacyLeft - legacy.verified.length - legacy.rejected.length);
        verified.push(...legacy.verified);
        rejected.push(...legacy.rejected);
        continue;
      }
      const layer = await readSignatureManifest(repo, subject, referrer);
      if (layer.size > budgetBytes) throw new Rejected("too-large", "the bundles together are too large");
      budgetBytes -= layer.size;
      verified.push(verifyBundle(await readLayer(repo, layer), { subject, referrer, layer, believed }));
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      rejected.push({ digest: referrer.digest, reason: error.reason, detail: error.message });
    }
  }
  return { verified: verified.sort(newestFirst), rejected };
}

/** Possible bundles before other referrers, newest first by what they claim: it decides only what a limit cuts off. */
function inReadingOrder(referrers: readonly Descriptor[]): Descriptor[] {
  const claimed = (referrer: Descriptor): string => referrer.annotations?.[CREATED_ANNOTATION] ?? "";
  return referrers.toSorted(
    (a, b) =>
      Number(mayBeBundle(b.artifactType)) - Number(mayBeBundle(a.artifactType)) ||
      compare(claimed(b), claimed(a)) ||
      compare(a.digest, b.digest),
  );
}

/** By signed time; what has none comes last. The unsigned time of the manifest counts for nothing. */
function newestFirst(a: VerifiedStatement, b: VerifiedStatement): number {
  return compare(b.time ?? "", a.time ?? "") || compare(a.bundleDigest, b.bundleDigest);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function readSignatureManifest(
  repo: EvidenceSource,
  subject: Descriptor,
  referrer: Descriptor,
): Promise<Descriptor> {
  if (!mayBeBundle(referrer.artifactType) || referrer.mediaType !== MEDIA_TYPES.imageManifest) {
    throw new Rejected("wrong-media-type", `a ${shorten(referrer.artifactType ?? referrer.mediaType)} is no bundle`);
  }
  if (referrer.size > MANIFEST_LIMIT_BYTES) throw new Rejected("too-large", "its manifest is too large");
  const manifest = await readManifest(repo, referrer);
  if (manifest.subject?.digest !== subject.digest) {
    throw new Rejected("wrong-subject", "its manifest refers to another artifact");
  }
  const [layer] = manifest.layers;
  if (layer === undefined || manifest.layers.length !== 1 || !isBundleType(layer.mediaType)) {
    throw new Rejected("wrong-media-type", "a signature manifest has exactly one layer, a v0.3 bundle");
  }
  if (layer.size > BUNDLE_LIMIT_BYTES) {
    throw new Rejected("too-large", `its bundle has more than ${BUNDLE_LIMIT_BYTES} bytes`);
  }
  return layer;
}

async function readManifest(repo: EvidenceSource, referrer: Descriptor): Promise<ImageManifest> {
  const found = await repo.manifest(referrer.digest);
  if (found === undefined) throw new Rejected("missing", "its manifest is not in the repository");
  if (digestOf(found.bytes, algorithmOf(referrer.digest)) !== referrer.digest) {
    throw new Rejected("missing", "the repository holds other bytes under this digest");
  }
  try {
    const parsed = parseManifest(found.bytes, found.mediaType);
    if (parsed.type === "image") return parsed.manifest;
  } catch (error) {
    if (!isPratiqueError(error)) throw error;
    throw new Rejected("wrong-media-type", error.message);
  }
  throw new Rejected("wrong-media-type", "an index is no signature manifest");
}

async function readLayer(repo: EvidenceSource, layer: Descriptor): Promise<Buffer> {
  try {
    const bytes = await readBounded(await repo.openBlob(layer.digest), layer.size, "the bundle");
    if (digestOf(bytes, algorithmOf(layer.digest)) === layer.digest) return bytes;
  } catch (error) {
    if (isPratiqueError(error, "blob.not-found")) throw new Rejected("missing", "its bundle is not in the repository");
    if (isPratiqueError(error, "input.too-large"))
      throw new Rejected("too-large", "it is larger than its manifest says");
    if (!isPratiqueError(error, "digest.mismatch")) throw error;
  }
  throw new Rejected("missing", "the repository holds other bytes under its bundle's digest");
}

/** Trust as it is verified with. */
interface Believed {
  readonly identities: NonNullable<Trust["identities"]>;
  readonly roots: NonNullable<Trust["roots"]>;
  readonly signers: ReadonlyMap<string, TrustedSigner>;
}

interface BundleContext {
  readonly subject: Descriptor;
  readonly referrer: Descriptor;
  readonly layer: Descriptor;
  readonly believed: Believed;
}

/** Who signed, how far they are trusted, and when a timestamp authority saw it. */
interface SignedBy extends Pick<VerifiedStatement, "signer" | "trust"> {
  readonly time?: Date;
}

function verifyBundle(bytes: Uint8Array, { subject, referrer, layer, believed }: BundleContext): VerifiedStatement {
  const read = readBundle(bytes);
  if (!read.ok) throw new Rejected("malformed-bundle", read.detail);
  const { bundle, by, payload } = read;
  const signedBy = by.kind === "key" ? byKey(bundle, by.keyId, believed) : byCertificate(bundle, believed);
  const statement = decodeStatement(payload);
  if (statement === undefined) throw new Rejected("malformed-statement", "what was signed is no in-toto statement");
  const named = subjectWith(statement, subject.digest);
  if (named === undefined) throw new Rejected("wrong-subject", "what was signed is about another artifact");
  const { predicateType, predicate } = statement;
  return {
    predicateType,
    predicate,
    signer: signedBy.signer,
    trust: signedBy.trust,
    bundleDigest: layer.digest,
    referrer,
    subjectName: named.name,
    time: signedTimeOf(predicateType, predicate) ?? signedBy.time?.toISOString(),
  };
}

/** Trust rests on the key alone: log entries and timestamps by parties not trusted here neither help nor harm. */
function byKey(bundle: BundleWithDsseEnvelope, keyId: string, { signers }: Believed): SignedBy {
  const trusted = signers.get(keyId);
  if (trusted === undefined) throw new Rejected("unknown-key", `the key ${shorten(keyId)} is not trusted`);
  const { payload, payloadType, signatures } = bundle.content.dsseEnvelope;
  const [signature] = signatures;
  const { signer, publicKey, clears, slsaLevel } = trusted;
  if (signature === undefined || !verifySignature(publicKey, preAuthEncoding(payloadType, payload), signature.sig)) {
    throw new Rejected("bad-signature", "the signature does not verify with the key it names");
  }
  return { signer, trust: { clears, slsaLevel } };
}

/** Trust rests on the authorities for who signed and when, and on the configuration for who may. */
function byCertificate(bundle: BundleWithDsseEnvelope, { identities, roots }: Believed): SignedBy {
  const verdict = verifyByCertificate(bundle, roots);
  if (!verdict.ok) throw new Rejected(verdict.reason, verdict.detail);
  const { issuer, subject } = verdict.identity;
  const match = matchIdentity(identities, verdict.identity);
  if (match === "wrong-issuer") throw new Rejected(match, `no identity of the issuer ${shorten(issuer)} is trusted`);
  if (match === "wrong-identity") throw new Rejected(match, `${shorten(subject)} is not trusted`);
  return {
    signer: { id: `${issuer} ${subject}`, name: match.name, issuer, subject },
    trust: { clears: match.clears ?? false, slsaLevel: match.slsaLevel ?? 1 },
    time: verdict.time,
  };
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
