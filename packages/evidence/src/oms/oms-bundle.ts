// The bundle around a model statement: `model.sig`. Its key is named in another way than cosign names keys.
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { preAuthEncoding } from "../dsse.ts";
import { BUNDLE_TYPE, IN_TOTO_TYPE } from "../media-types.ts";
import type { SigningKey } from "../signing/signing-key.ts";
import { verifySignature } from "../signing/verify-signature.ts";
import { readOmsStatement, type OmsStatement } from "./oms-statement.ts";

export const OMS_BUNDLE_LIMIT_BYTES = 64 * 1024 * 1024;

const Base64 = z.base64().transform((text) => Buffer.from(text, "base64"));
const BundleJson = z.looseObject({
  mediaType: z.literal(BUNDLE_TYPE),
  dsseEnvelope: z.looseObject({
    payload: Base64,
    payloadType: z.literal(IN_TOTO_TYPE),
    signatures: z.array(z.looseObject({ sig: Base64 })).length(1),
  }),
  verificationMaterial: z.looseObject({
    publicKey: z.looseObject({ hint: z.string().max(512).nullish() }).optional(),
  }),
});

/** A key that may sign models. */
export interface OmsKey {
  readonly name: string;
  readonly publicKeyPem: string;
}

export type OmsVerification =
  | { readonly ok: true; readonly statement: OmsStatement; readonly signer: OmsKey }
  | { readonly ok: false; readonly reason: OmsRejection; readonly detail: string };

export type OmsRejection = "malformed" | "unknown-key" | "bad-signature" | "not-by-key";

/** Signs a payload as `model_signing sign key` does. */
export async function makeOmsBundle(payload: Uint8Array, key: SigningKey): Promise<Buffer> {
  const signature = await key.sign(preAuthEncoding(IN_TOTO_TYPE, payload));
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_TYPE,
      verificationMaterial: { publicKey: { hint: hintOf(key.publicKeyPem) }, tlogEntries: [] },
      dsseEnvelope: {
        payload: Buffer.from(payload).toString("base64"),
        payloadType: IN_TOTO_TYPE,
        signatures: [{ sig: Buffer.from(signature).toString("base64"), keyid: "" }],
      },
    }),
  );
}

/** Reads a bundle and verifies it with the key that it names, or with any of them where it names none. */
export function verifyOmsBundle(bytes: Uint8Array, keys: readonly OmsKey[]): OmsVerification {
  const form = BundleJson.safeParse(jsonOf(bytes));
  if (!form.success) return no("malformed", "it is no v0.3 bundle of an in-toto statement");
  const { dsseEnvelope, verificationMaterial } = form.data;
  if (verificationMaterial.publicKey === undefined) return no("not-by-key", "it is signed with a certificate");
  const hint = verificationMaterial.publicKey.hint ?? "";
  const candidates = keys.filter(({ publicKeyPem }) => hint === "" || hint === hintOf(publicKeyPem));
  if (candidates.length === 0) return no("unknown-key", "the key that it names is not trusted");
  const [signature] = dsseEnvelope.signatures;
  const signer = candidates.find(({ publicKeyPem }) =>
    isSignedBy(createPublicKey(publicKeyPem), dsseEnvelope.payload, signature?.sig ?? Buffer.alloc(0)),
  );
  if (signer === undefined) return no("bad-signature", "the signature does not verify with the key that it names");
  const read = readOmsStatement(dsseEnvelope.payload);
  return read.ok ? { ok: true, statement: read.statement, signer } : no("malformed", read.detail);
}

/** Hexadecimal SHA-256 of the PEM; cosign takes base64 of the DER's (supply-chain reference §3). */
function hintOf(publicKeyPem: string): string {
  const pem = createPublicKey(publicKeyPem).export({ type: "spki", format: "pem" });
  return createHash("sha256").update(pem).digest("hex");
}

function isSignedBy(publicKey: KeyObject, payload: Buffer, signature: Buffer): boolean {
  return (
    verifySignature(publicKey, preAuthEncoding(IN_TOTO_TYPE, payload), signature) ||
    verifySignature(publicKey, compatEncoding(payload), signature)
  );
}

/** Release 0.2 signed its payload as Python prints bytes; the reference still takes that. */
function compatEncoding(payload: Buffer): Buffer {
  return Buffer.from(`DSSEV1 ${IN_TOTO_TYPE.length} ${IN_TOTO_TYPE} ${payload.length} ${pythonBytes(payload)}`);
}

/** `repr` of a Python `bytes`. */
function pythonBytes(bytes: Buffer): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  const escapes: Readonly<Record<number, string>> = { 0x09: "\\t", 0x0a: "\\n", 0x0d: "\\r", 0x5c: "\\\\" };
  const text = [...bytes].map((byte) => {
    const escaped = byte === quote.charCodeAt(0) ? `\\${quote}` : escapes[byte];
    if (escaped !== undefined) return escaped;
    return byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, "0")}` : String.fromCharCode(byte);
  });
  return `b${quote}${text.join("")}${quote}`;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function no(reason: OmsRejection, detail: string): OmsVerification {
  return { ok: false, reason, detail };
}
