// The bundle around a model statement: `model.sig`. Its key is named in another way than cosign names keys.
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { readBundle } from "../bundle.ts";
import { preAuthEncoding } from "../dsse.ts";
import { matchIdentity } from "../keyless/trusted-identity.ts";
import { verifyByCertificate } from "../keyless/verify-by-certificate.ts";
import { BUNDLE_TYPE, IN_TOTO_TYPE } from "../media-types.ts";
import type { RejectionReason } from "../rejection.ts";
import type { SigningKey } from "../signing/signing-key.ts";
import { verifySignature } from "../signing/verify-signature.ts";
import type { Trust } from "../trust.ts";
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

/** Whom to believe about models: keys, and with `roots` identities. */
export type OmsTrust = Pick<Trust, "keys" | "identities" | "roots">;

export type OmsVerification =
  | { readonly ok: true; readonly statement: OmsStatement; readonly signer: { readonly name: string } }
  | { readonly ok: false; readonly reason: RejectionReason; readonly detail: string };

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

/** Reads a bundle and verifies it: by the key that it names, any of them where it names none, or by its certificate. */
export function verifyOmsBundle(bytes: Uint8Array, trust: OmsTrust): OmsVerification {
  const form = BundleJson.safeParse(jsonOf(bytes));
  if (!form.success) return no("malformed-bundle", "it is no v0.3 bundle of an in-toto statement");
  const { dsseEnvelope, verificationMaterial } = form.data;
  const { publicKey } = verificationMaterial;
  const [signature] = dsseEnvelope.signatures;
  const signed = { payload: dsseEnvelope.payload, signature: signature?.sig ?? Buffer.alloc(0) };
  const by =
    publicKey === undefined ? certifiedSigner(bytes, trust) : keySigner(signed, publicKey.hint ?? "", trust.keys);
  if (!by.ok) return by;
  const read = readOmsStatement(dsseEnvelope.payload);
  if (!read.ok) return no("malformed-statement", read.detail);
  return { ok: true, statement: read.statement, signer: { name: by.name } };
}

type Signer = { readonly ok: true; readonly name: string } | Extract<OmsVerification, { readonly ok: false }>;

function keySigner(
  { payload, signature }: { readonly payload: Buffer; readonly signature: Buffer },
  hint: string,
  keys: Trust["keys"],
): Signer {
  const candidates = keys.filter(({ publicKeyPem }) => hint === "" || hint === hintOf(publicKeyPem));
  if (candidates.length === 0) return no("unknown-key", "the key that it names is not trusted");
  const signer = candidates.find(({ publicKeyPem }) => isSignedBy(createPublicKey(publicKeyPem), payload, signature));
  if (signer !== undefined) return { ok: true, name: signer.name };
  return no("bad-signature", "the signature does not verify with the key that it names");
}

/** As `model_signing sign sigstore` makes them; its `sign certificate` puts a chain there, which no v0.3 bundle has. */
function certifiedSigner(bytes: Uint8Array, { identities = [], roots = [] }: OmsTrust): Signer {
  const read = readBundle(bytes);
  if (!read.ok) return no("malformed-bundle", read.detail);
  const verdict = verifyByCertificate(read.bundle, roots);
  if (!verdict.ok) return no(verdict.reason, verdict.detail);
  const match = matchIdentity(identities, verdict.identity);
  if (typeof match !== "string") return { ok: true, name: match.name };
  return no(
    match,
    `${verdict.identity.subject.slice(0, 200)} of ${verdict.identity.issuer.slice(0, 200)} is not trusted`,
  );
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

function no(reason: RejectionReason, detail: string): Extract<OmsVerification, { readonly ok: false }> {
  return { ok: false, reason, detail };
}
