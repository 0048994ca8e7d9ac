// Writes signatures and attestations as referrers, in the form of cosign 3 (supply-chain reference §2.1).
import { canonicalJson, type Clock, type JsonObject } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor, type Repository } from "@pratique/oci";
import { makeBundle } from "./bundle.ts";
import type { KeylessSigner } from "./keyless/keyless-signer.ts";
import { BUNDLE_TYPE, CONTENT_ANNOTATION, CREATED_ANNOTATION, PREDICATE_ANNOTATION } from "./media-types.ts";
import { SIGNATURE_PREDICATE } from "./predicates.ts";
import type { SigningKey } from "./signing/signing-key.ts";
import { encodeStatement, type StatementParts } from "./statement.ts";
import type { Trust } from "./trust.ts";
import { verifyArtifact } from "./verify.ts";

const EMPTY_CONFIG = Buffer.from("{}");

/** A key, or an identity that signs without one. */
export type StatementSigner = SigningKey | KeylessSigner;

/** Signs the artifact itself. An artifact that this signer signed already keeps that signature. */
export async function signArtifact(
  repo: Repository,
  subject: Descriptor,
  signer: StatementSigner,
  clock: Clock,
): Promise<Descriptor> {
  const parts = { subject: subject.digest, predicateType: SIGNATURE_PREDICATE, predicate: {} };
  return attach(repo, subject, parts, signer, clock);
}

/**
 * Attaches a signed statement about the artifact. There is one of each predicate type and signer: an equal one stays,
 * another is superseded, since every reader pays for every referrer.
 * @throws `attestation.invalid`
 */
export async function attest(
  repo: Repository,
  subject: Descriptor,
  statement: { readonly predicateType: string; readonly predicate: JsonObject },
  signer: StatementSigner,
  clock: Clock,
): Promise<Descriptor> {
  const { predicateType, predicate } = statement;
  return attach(
    repo,
    subject,
    { subject: subject.digest, subjectName: repo.name, predicateType, predicate },
    signer,
    clock,
  );
}

/** A statement that stands beside those which it is to supersede. */
export interface Beside {
  readonly attached: Descriptor;
  /** Takes the earlier ones away, once it is sure that this one stays. */
  supersede(): Promise<void>;
}

/** As `attest`, for who may have to take it back: what stood before stands until it is superseded. */
export async function attestBeside(
  repo: Repository,
  subject: Descriptor,
  statement: { readonly predicateType: string; readonly predicate: JsonObject },
  signer: StatementSigner,
  clock: Clock,
): Promise<Beside> {
  return attachBeside(repo, subject, { subject: subject.digest, subjectName: repo.name, ...statement }, signer, clock);
}

async function attach(
  repo: Repository,
  subject: Descriptor,
  parts: StatementParts,
  signer: StatementSigner,
  clock: Clock,
): Promise<Descriptor> {
  const { attached, supersede } = await attachBeside(repo, subject, parts, signer, clock);
  await supersede();
  return attached;
}

async function attachBeside(
  repo: Repository,
  subject: Descriptor,
  parts: StatementParts,
  signer: StatementSigner,
  clock: Clock,
): Promise<Beside> {
  const payload = encodeStatement(parts);
  const isKeyless = "makeBundle" in signer;
  // Only what this very signer signed is ever taken for ours, and removed.
  const own: Trust = isKeyless ? signer.trust : { keys: [{ name: "own", publicKeyPem: signer.publicKeyPem }] };
  const { verified } = await verifyArtifact(repo, subject, own);
  // The old form stands for itself: its manifest holds the signatures of others, and new readers do not look at it.
  const earlier = verified.filter(
    (statement) => statement.predicateType === parts.predicateType && statement.form !== "legacy",
  );
  const wanted = canonicalJson(parts.predicate);
  const same = earlier.find((statement) => canonicalJson(statement.predicate) === wanted);
  const bundle = async (): Promise<Buffer> => (isKeyless ? signer.makeBundle(payload) : makeBundle(payload, signer));
  const attached = same?.referrer ?? (await push(repo, subject, parts.predicateType, await bundle(), clock));
  const supersede = async (): Promise<void> => {
    for (const { referrer } of earlier) {
      if (referrer.digest !== attached.digest) await repo.deleteManifest(referrer.digest).catch(keepSuperseded);
    }
  };
  return { attached, supersede };
}

/** A registry may refuse to delete. The new attestation is there, and readers take the newest. */
function keepSuperseded(): boolean {
  return false;
}

async function push(
  repo: Repository,
  subject: Descriptor,
  predicateType: string,
  bundle: Buffer,
  clock: Clock,
): Promise<Descriptor> {
  const config = await repo.putBlob(EMPTY_CONFIG);
  const layer = await repo.putBlob(bundle);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType: BUNDLE_TYPE,
    config: { mediaType: MEDIA_TYPES.empty, digest: config.digest, size: config.size, artifactType: BUNDLE_TYPE },
    layers: [{ mediaType: BUNDLE_TYPE, digest: layer.digest, size: layer.size }],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: {
      [CONTENT_ANNOTATION]: "dsse-envelope",
      [PREDICATE_ANNOTATION]: predicateType,
      [CREATED_ANNOTATION]: clock.now().toISOString(),
    },
  };
  return repo.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
}
