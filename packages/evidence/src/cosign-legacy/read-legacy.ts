// Reads the signatures in a `.sig` manifest: one layer each, the signature in its annotation.
import { digestOf, isPratiqueError, readBounded, type Digest } from "@pratique/core";
import { parseManifest, type Descriptor } from "@pratique/oci";
import { SIGNATURE_PREDICATE } from "../predicates.ts";
import type { Rejection, RejectionReason } from "../rejection.ts";
import { verifySignature } from "../signing/verify-signature.ts";
import type { TrustedSigner } from "../trust.ts";
import type { EvidenceSource, VerifiedStatement } from "../verify.ts";
import { LEGACY_TYPE } from "./legacy-tag.ts";
import { decodeSimpleSigning, PAYLOAD_LIMIT_BYTES } from "./simple-signing.ts";

export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
const CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate";

/** Each layer is tried with each key: so many of one artifact are, in however many manifests. */
export const LAYER_LIMIT = 64;
const MANIFEST_LIMIT_BYTES = 1024 * 1024;

export interface LegacyReading {
  readonly verified: readonly VerifiedStatement[];
  readonly rejected: readonly Rejection[];
}

interface Context {
  readonly repo: EvidenceSource;
  readonly subject: Descriptor;
  /** The `.sig` manifest. */
  readonly referrer: Descriptor;
  readonly signers: readonly TrustedSigner[];
  /** How many layers are read. */
  readonly limit?: number;
}

/**
 * Verifies each signature by itself. A certificate's are not read in this form: whoever has one writes bundles.
 * The manifest refers to nothing: only what is signed says which artifact is meant.
 */
export async function readLegacySignatures(context: Context): Promise<LegacyReading> {
  const { referrer, limit = LAYER_LIMIT } = context;
  const layers = await layersOf(context);
  if (typeof layers === "string")
    return { verified: [], rejected: [reject(referrer.digest, "wrong-media-type", layers)] };
  const verified: VerifiedStatement[] = [];
  const rejected: Rejection[] = [];
  for (const [index, layer] of layers.entries()) {
    if (index >= limit) {
      rejected.push(reject(layer.digest, "too-many", `only ${LAYER_LIMIT} such signatures are read`));
      break;
    }
    const read = await readLayer(context, layer);
    if ("reason" in read) rejected.push(read);
    else verified.push(read);
  }
  return { verified, rejected };
}

/** The layers of the manifest, whoever they verify with; a text when there is no such manifest. */
export async function layersOf({ repo, referrer }: Pick<Context, "repo" | "referrer">): Promise<Descriptor[] | string> {
  if (referrer.size > MANIFEST_LIMIT_BYTES) return "its manifest is too large";
  const found = await repo.manifest(referrer.digest);
  if (found === undefined) return "its manifest is not in the repository";
  try {
    const parsed = parseManifest(found.bytes, found.mediaType);
    return parsed.type === "image" ? [...parsed.manifest.layers] : "an index is no signature manifest";
  } catch (error) {
    if (!isPratiqueError(error)) throw error;
    return error.message;
  }
}

async function readLayer(context: Context, layer: Descriptor): Promise<VerifiedStatement | Rejection> {
  const { subject, referrer, signers } = context;
  const signature = layer.annotations?.[SIGNATURE_ANNOTATION];
  if (layer.mediaType !== LEGACY_TYPE || signature === undefined) {
    return reject(layer.digest, "wrong-media-type", "its layer is no simple signing signature");
  }
  if (layer.annotations?.[CERTIFICATE_ANNOTATION] !== undefined) {
    return reject(
      layer.digest,
      "unknown-key",
      "signed with a certificate in the old form, which is read for keys only",
    );
  }
  if (layer.size > PAYLOAD_LIMIT_BYTES) return reject(layer.digest, "too-large", "its payload is too large");
  const payload = await readPayload(context.repo, layer);
  if (payload === undefined) return reject(layer.digest, "missing", "its payload is not in the repository");
  const signer = signerOf(signers, payload, signature);
  if (signer === undefined) return reject(layer.digest, "unknown-key", "no trusted key made this signature");
  const said = decodeSimpleSigning(payload);
  if (said === undefined)
    return reject(layer.digest, "malformed-statement", "what was signed is no simple signing payload");
  if (said.digest !== subject.digest) {
    return reject(layer.digest, "wrong-subject", "what was signed is about another artifact");
  }
  return {
    predicateType: SIGNATURE_PREDICATE,
    predicate: {},
    signer: signer.signer,
    trust: { clears: signer.clears, slsaLevel: signer.slsaLevel },
    bundleDigest: layer.digest,
    referrer,
    subjectName: said.reference,
    form: "legacy",
  };
}

function signerOf(signers: readonly TrustedSigner[], payload: Buffer, text: string): TrustedSigner | undefined {
  const signature = Buffer.from(text, "base64");
  if (signature.toString("base64") !== text) return undefined;
  for (const signer of signers) {
    if (verifySignature(signer.publicKey, payload, signature)) return signer;
  }
  return undefined;
}

async function readPayload(repo: EvidenceSource, layer: Descriptor): Promise<Buffer | undefined> {
  try {
    const bytes = await readBounded(await repo.openBlob(layer.digest), layer.size, "the payload");
    return digestOf(bytes) === layer.digest ? bytes : undefined;
  } catch (error) {
    const isAbsent = isPratiqueError(error, "blob.not-found") || isPratiqueError(error, "digest.mismatch");
    if (isAbsent || isPratiqueError(error, "input.too-large")) return undefined;
    throw error;
  }
}

function reject(digest: Digest, reason: RejectionReason, detail: string): Rejection {
  return { digest, reason, detail };
}
