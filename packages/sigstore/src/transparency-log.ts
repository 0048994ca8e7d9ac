// The transparency log as Rekor v2 has it: a verified signature becomes an entry, its answer the proof of that.
import { createHash, X509Certificate, type KeyObject } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import type { LogKey, TileLog } from "@pratique/audit";
import { canonicalJson, type JsonObject } from "@pratique/core";
import { z } from "zod";
import { spkiOf } from "./certificate.ts";
import { readKey } from "./certificate-request.ts";
import { sigstoreErrors } from "./errors.ts";

const KEY_DETAILS = "PKIX_ECDSA_P256_SHA_256";
const ED25519 = 0x01;

const RawBytes = z.looseObject({ rawBytes: z.base64().min(1).max(16_384) });

const EntryRequest = z.looseObject({
  hashedRekordRequestV002: z.looseObject({
    digest: z.base64().refine((text) => Buffer.from(text, "base64").length === 32, "it is no SHA-256 digest"),
    signature: z.looseObject({
      content: z.base64().min(1).max(1024),
      verifier: z.looseObject({
        keyDetails: z.literal(KEY_DETAILS),
        x509Certificate: RawBytes.optional(),
        publicKey: RawBytes.optional(),
      }),
    }),
  }),
});

/** A request whose signature verified, and who made it. */
export interface SignedEntry {
  readonly body: Buffer;
  readonly digest: string;
  readonly publicKey: KeyObject;
  /** The certificate in it, when there is one; nothing but the signature is verified of it. */
  readonly certificate: X509Certificate | undefined;
}

/**
 * Reads an entry and verifies its signature over its digest.
 * @throws `sigstore.bad-request`, `sigstore.bad-signature`, `sigstore.unsupported-key`
 */
export function parseEntry(json: unknown): SignedEntry {
  const parsed = EntryRequest.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const problem = `${path.join(".")}: ${message}; entries are hashedrekord 0.0.2 of a P-256 signature`;
    throw sigstoreErrors("sigstore.bad-request", { problem });
  }
  const { digest, signature } = parsed.data.hashedRekordRequestV002;
  const { x509Certificate, publicKey } = signature.verifier;
  if ((x509Certificate === undefined) === (publicKey === undefined)) {
    throw sigstoreErrors("sigstore.bad-request", { problem: "it names neither or both of a certificate and a key" });
  }
  const certificate = x509Certificate && readCertificate(Buffer.from(x509Certificate.rawBytes, "base64"));
  const key = certificate?.publicKey ?? readKey(publicKey?.rawBytes ?? "");
  verifyDigest(Buffer.from(digest, "base64"), Buffer.from(signature.content, "base64"), key);
  const verifier = {
    keyDetails: KEY_DETAILS,
    ...(certificate === undefined
      ? { publicKey: { rawBytes: spkiOf(key).toString("base64") } }
      : { x509Certificate: { rawBytes: certificate.raw.toString("base64") } }),
  };
  return { body: entryBody(digest, signature.content, verifier), digest, publicKey: key, certificate };
}

/** Canonical JSON (RFC 8785): the bytes whose hash is the leaf. */
function entryBody(digest: string, content: string, verifier: JsonObject): Buffer {
  const hashedRekordV002 = { data: { algorithm: "SHA2_256", digest }, signature: { content, verifier } };
  return Buffer.from(canonicalJson({ apiVersion: "0.0.2", kind: "hashedrekord", spec: { hashedRekordV002 } }));
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    const certificate = new X509Certificate(der);
    // What follows the certificate would be logged and never looked at.
    if (certificate.raw.equals(der)) return certificate;
  } catch {
    // Its parser's message says nothing to whoever sent it.
  }
  throw sigstoreErrors("sigstore.bad-request", { problem: "its certificate cannot be read" });
}

/** node:crypto verifies over a message and never over its digest: hence the curve's own library. */
function verifyDigest(digest: Uint8Array, signature: Uint8Array, key: KeyObject): void {
  const point = pointOf(key);
  let isValid = false;
  try {
    isValid = p256.verify(signature, digest, point, { prehash: false, lowS: false, format: "der" });
  } catch {
    // Not DER: no signature, which is the answer.
  }
  if (!isValid) throw sigstoreErrors("sigstore.bad-signature", { reason: "not by this key over this digest" });
}

function pointOf(key: KeyObject): Uint8Array {
  const { crv, x, y } = key.export({ format: "jwk" });
  if (crv !== "P-256" || x === undefined || y === undefined) {
    throw sigstoreErrors("sigstore.unsupported-key", { reason: "it is no ECDSA P-256 key" });
  }
  return Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
}

export interface TransparencyLogOptions {
  readonly log: TileLog;
  readonly key: LogKey;
}

export class TransparencyLog {
  readonly #options: TransparencyLogOptions;

  constructor(options: TransparencyLogOptions) {
    this.#options = options;
  }

  /** SHA-256(origin ‖ "\n" ‖ 0x01 ‖ key): the first four bytes are the checkpoint's key id (C2SP signed-note). */
  get logId(): Buffer {
    const { key } = this.#options;
    return createHash("sha256")
      .update(`${key.name}\n`)
      .update(Buffer.of(ED25519))
      .update(Buffer.from(key.publicKey.export({ format: "jwk" }).x ?? "", "base64url"))
      .digest();
  }

  get size(): number {
    return this.#options.log.checkpoint.size;
  }

  /** Logs an entry; the answer is a TransparencyLogEntry, durable and proved when it is given. */
  async add({ body }: SignedEntry): Promise<JsonObject & { readonly logIndex: string }> {
    const { index, hashes, checkpoint } = await this.#options.log.append(body);
    const logIndex = String(index);
    return {
      logIndex,
      logId: { keyId: this.logId.toString("base64") },
      kindVersion: { kind: "hashedrekord", version: "0.0.2" },
      // Rekor v2 states no time: timestamps are the timestamp authority's business.
      integratedTime: "0",
      inclusionProof: {
        logIndex,
        rootHash: checkpoint.rootHash,
        treeSize: String(checkpoint.size),
        hashes: hashes.map((hash) => hash.toString("base64")),
        checkpoint: { envelope: checkpoint.note },
      },
      canonicalizedBody: body.toString("base64"),
    };
  }

  tile(path: string): Promise<Uint8Array | undefined> {
    return this.#options.log.tile(path);
  }
}
