// Sigstore bundles v0.3 made with a key: the form that cosign 3 writes and reads.
import { bundleFromJSON, isBundleWithDsseEnvelope, isBundleWithPublicKey } from "@sigstore/bundle";
import type { BundleWithDsseEnvelope, BundleWithPublicKey } from "@sigstore/bundle";
import { z } from "zod";
import { preAuthEncoding } from "./dsse.ts";
import { BUNDLE_TYPE, IN_TOTO_TYPE, isBundleType } from "./media-types.ts";
import type { SigningKey } from "./signing/signing-key.ts";

export type KeyBundle = BundleWithDsseEnvelope & BundleWithPublicKey;

/** What became of reading a bundle; `not-by-key` is one that is signed with a certificate. */
export type ReadBundle =
  | { readonly ok: true; readonly bundle: KeyBundle; readonly keyId: string; readonly payload: Buffer }
  | { readonly ok: false; readonly reason: "malformed" | "not-by-key"; readonly detail: string };

/** Only the canonical form: decoders that skip foreign characters would let altered bytes pass as the same. */
const Base64 = z.string().refine((text) => Buffer.from(text, "base64").toString("base64") === text);

const Envelope = z.looseObject({
  payload: Base64.min(1),
  payloadType: z.literal(IN_TOTO_TYPE),
  signatures: z.array(z.looseObject({ sig: Base64.min(1) })).length(1),
});

const BundleJson = z.looseObject({
  mediaType: z.string().refine(isBundleType),
  dsseEnvelope: Envelope,
  verificationMaterial: z.looseObject({
    publicKey: z.looseObject({ hint: z.string().min(1).max(512) }).optional(),
  }),
});

/** Signs a payload. No `keyid`: cosign's verifier skips signatures that carry one (reference §2.7). */
export async function makeBundle(payload: Uint8Array, key: SigningKey): Promise<Buffer> {
  const signature = await key.sign(preAuthEncoding(IN_TOTO_TYPE, payload));
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_TYPE,
      verificationMaterial: { publicKey: { hint: key.keyId } },
      dsseEnvelope: {
        payload: Buffer.from(payload).toString("base64"),
        payloadType: IN_TOTO_TYPE,
        signatures: [{ sig: Buffer.from(signature).toString("base64") }],
      },
    }),
  );
}

/** Reads the bytes of a bundle; nothing in it is verified yet. */
export function readBundle(bytes: Uint8Array): ReadBundle {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return { ok: false, reason: "malformed", detail: "the bundle is not JSON" };
  }
  const form = BundleJson.safeParse(json);
  if (!form.success) {
    const path = form.error.issues[0]?.path.join(".") ?? "";
    return { ok: false, reason: "malformed", detail: `not a v0.3 bundle of an in-toto statement (at ${path})` };
  }
  if (form.data.verificationMaterial.publicKey === undefined) {
    return { ok: false, reason: "not-by-key", detail: "signed with a certificate, and no authority is trusted" };
  }
  try {
    const bundle = bundleFromJSON(json);
    if (isBundleWithDsseEnvelope(bundle) && isBundleWithPublicKey(bundle)) {
      return {
        ok: true,
        bundle,
        keyId: bundle.verificationMaterial.content.publicKey.hint,
        payload: bundle.content.dsseEnvelope.payload,
      };
    }
  } catch (error) {
    return { ok: false, reason: "malformed", detail: error instanceof Error ? error.message : String(error) };
  }
  return { ok: false, reason: "malformed", detail: "neither an envelope nor a key" };
}
