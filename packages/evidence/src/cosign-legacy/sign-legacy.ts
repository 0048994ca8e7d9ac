// Writes signatures for readers that know only the `.sig` tag: cosign 2, and Kyverno by default.
import { MEDIA_TYPES, type Descriptor, type Repository } from "@pratique/oci";
import { createPublicKey } from "node:crypto";
import type { SigningKey } from "../signing/signing-key.ts";
import { legacyTagOf, LEGACY_TYPE } from "./legacy-tag.ts";
import { layersOf, readLegacySignatures, SIGNATURE_ANNOTATION } from "./read-legacy.ts";
import { encodeSimpleSigning } from "./simple-signing.ts";

const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
/** cosign's own date where there is none. */
const NO_TIME = "0001-01-01T00:00:00Z";

export interface LegacySignature {
  readonly tag: string;
  readonly manifest: Descriptor;
}

/**
 * Adds a signature to the tag; those of others stay, and one of this key is not doubled.
 * `reference` is what the signature says the artifact was called, without tag or digest.
 */
export async function signLegacy(
  repo: Repository,
  subject: Descriptor,
  key: SigningKey,
  reference: string,
): Promise<LegacySignature> {
  const tag = legacyTagOf(subject.digest);
  const standing = await repo.manifest(tag);
  const earlier = standing === undefined ? [] : await layersOf({ repo, referrer: standing.descriptor });
  if (standing !== undefined && (await isSigned(repo, subject, standing.descriptor, key))) {
    return { tag, manifest: standing.descriptor };
  }
  const payload = encodeSimpleSigning(reference.replace(/@.*$/, "").replace(/:[^/:]*$/, ""), subject.digest);
  const blob = await repo.putBlob(payload);
  const signature = Buffer.from(await key.sign(payload)).toString("base64");
  const layer = {
    mediaType: LEGACY_TYPE,
    digest: blob.digest,
    size: blob.size,
    annotations: { [SIGNATURE_ANNOTATION]: signature },
  };
  // What cannot be read as a signature manifest is replaced: the tag is for these alone.
  const layers = [...(typeof earlier === "string" ? [] : earlier), layer];
  const config = await repo.putBlob(configOf(layers));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.size },
    layers,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { tag, manifest: await repo.putManifest(bytes, MEDIA_TYPES.imageManifest, tag) };
}

async function isSigned(
  repo: Repository,
  subject: Descriptor,
  referrer: Descriptor,
  key: SigningKey,
): Promise<boolean> {
  const own = {
    signer: { id: key.keyId, name: "own" },
    publicKey: createPublicKey(key.publicKeyPem),
    clears: false,
    slsaLevel: 0,
  };
  return (await readLegacySignatures({ repo, subject, referrer, signers: [own] })).verified.length > 0;
}

/** An image configuration, as cosign writes one: its readers treat the manifest as an image. */
function configOf(layers: readonly { readonly digest: string }[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: "",
      created: NO_TIME,
      history: layers.map(() => ({ created: NO_TIME })),
      os: "",
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
      config: {},
    }),
  );
}
