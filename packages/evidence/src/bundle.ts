// Sigstore bundles v0.3, made with a key or a certificate: the form that cosign 3 writes and reads.
import { bundleFromJSON, isBundleWithDsseEnvelope } from "@sigstore/bundle";
import type { BundleWithDsseEnvelope } from "@sigstore/bundle";
import { z } from "zod";
import { preAuthEncoding } from "./dsse.ts";
import { BUNDLE_TYPE, IN_TOTO_TYPE, isBundleType } from "./media-types.ts";
import type { SigningKey } from "./signing/signing-key.ts";

/** What became of reading a bundle. `by` says what it is to be verified with. */
export type ReadBundle =
  | {
      readonly ok: true;
      readonly bundle: BundleWithDsseEnvelope;
      readonly by: { readonly kind: "key"; readonly keyId: string } | { readonly kind: "certificate" };
      readonly payload: Buffer;
    }
  | { readonly ok: false; readonly detail: string };

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
    certificate: z.looseObject({ rawBytes: Base64.min(1).max(32_768) }).optional(),
    // Each costs signatures to verify: nobody needs more.
    tlogEntries: z.array(z.looseObject({})).max(4).optional(),
    timestampVerificationData: z
      .looseObject({ rfc3161Timestamps: z.array(z.looseObject({})).max(4).optional() })
      .optional(),
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
  const malformed = (detail: string): ReadBundle => ({ ok: false, detail });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return malformed("the bundle is not JSON");
  }
  const form = BundleJson.safeParse(json);
  if (!form.success) {
    const path = form.error.issues[0]?.path.join(".") ?? "";
    return malformed(`not a v0.3 bundle of an in-toto statement (at ${path})`);
  }
  const { publicKey, certificate } = form.data.verificationMaterial;
  if ((publicKey === undefined) === (certificate === undefined)) return malformed("neither a key nor a certificate");
  try {
    const bundle = bundleFromJSON(json);
    if (!isBundleWithDsseEnvelope(bundle)) return malformed("it holds no envelope");
    const by =
      publicKey === undefined ? ({ kind: "certificate" } as const) : { kind: "key" as const, keyId: publicKey.hint };
    return { ok: true, bundle, by, payload: bundle.content.dsseEnvelope.payload };
  } catch (error) {
    return malformed(error instanceof Error ? error.message : String(error));
  }
}
