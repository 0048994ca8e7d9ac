// Writes signatures and attestations as referrers, in the form of cosign 3 (supply-chain reference §2.1).
import { canonicalJson, type Clock, type JsonObject } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor, type Repository } from "@pratique/oci";
import { makeBundle } from "./bundle.ts";
import { BUNDLE_TYPE, CONTENT_ANNOTATION, CREATED_ANNOTATION, PREDICATE_ANNOTATION } from "./media-types.ts";
import { SIGNATURE_PREDICATE } from "./predicates.ts";
import type { SigningKey } from "./signing/signing-key.ts";
import { encodeStatement, type StatementParts } from "./statement.ts";
import { verifyArtifact } from "./verify.ts";

const EMPTY_CONFIG = Buffer.from("{}");

/** Signs the artifact itself. An artifact that this key signed already keeps that signature. */
export async function signArtifact(
  repo: Repository,
  subject: Descriptor,
  key: SigningKey,
  clock: Clock,
): Promise<Descriptor> {
  const parts = { subject: subject.digest, predicateType: SIGNATURE_PREDICATE, predicate: {} };
  return attach(repo, subject, parts, key, clock);
}

/**
 * Attaches a signed statement about the artifact. There is one of each predicate type and key: an equal one stays,
 * another is superseded, since every reader pays for every referrer.
 * @throws `attestation.invalid`
 */
export async function attest(
  repo: Repository,
  subject: Descriptor,
  statement: { readonly predicateType: string; readonly predicate: JsonObject },
  key: SigningKey,
  clock: Clock,
): Promise<Descriptor> {
  const { predicateType, predicate } = statement;
  return attach(
    repo,
    subject,
    { subject: subject.digest, subjectName: repo.name, predicateType, predicate },
    key,
    clock,
  );
}

async function attach(
  repo: Repository,
  subject: Descriptor,
  parts: StatementParts,
  key: SigningKey,
  clock: Clock,
): Promise<Descriptor> {
  const payload = encodeStatement(parts);
  // Only what this very key signed is ever taken for ours, and removed.
  const { verified } = await verifyArtifact(repo, subject, { keys: [{ name: "own", publicKeyPem: key.publicKeyPem }] });
  const earlier = verified.filter((statement) => statement.predicateType === parts.predicateType);
  const wanted = canonicalJson(parts.predicate);
  const same = earlier.find((statement) => canonicalJson(statement.predicate) === wanted);
  const attached =
    same?.referrer ?? (await push(repo, subject, parts.predicateType, await makeBundle(payload, key), clock));
  for (const { referrer } of earlier) {
    if (referrer.digest !== attached.digest) await repo.deleteManifest(referrer.digest).catch(keepSuperseded);
  }
  return attached;
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
