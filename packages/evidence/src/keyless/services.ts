// What a keyless signer asks of a Sigstore: a certificate, a log entry, a timestamp. Answers are parsed strictly.
import { createHash, X509Certificate, type KeyObject } from "node:crypto";
import { z } from "zod";
import { keylessErrors } from "./errors.ts";
import { post } from "./post.ts";
import type { SigningServices } from "./signing-config.ts";

const CertificateAnswer = z.looseObject({
  signedCertificateEmbeddedSct: z.looseObject({
    chain: z.looseObject({ certificates: z.array(z.string().max(32_768)).min(1).max(16) }),
  }),
});

const Text = z.string().max(4096);
/** A TransparencyLogEntry: these fields, and no other goes into the bundle. */
const LogEntry = z.object({
  logIndex: Text,
  logId: z.object({ keyId: Text }),
  kindVersion: z.object({ kind: Text, version: Text }),
  integratedTime: Text.optional(),
  inclusionProof: z.object({
    logIndex: Text,
    rootHash: Text,
    treeSize: Text,
    hashes: z.array(Text).max(64).default([]),
    checkpoint: z.object({ envelope: z.string().max(16_384) }),
  }),
  canonicalizedBody: z.string().max(131_072),
});
export type LogEntry = z.infer<typeof LogEntry>;

export interface CertificateQuestion {
  readonly token: string;
  readonly publicKey: KeyObject;
  /** The challenge, signed with the key. */
  readonly proof: Uint8Array;
}

/** The services that a signing config names. */
export class SigningClient {
  readonly #services: SigningServices;
  readonly #signal: AbortSignal | undefined;

  constructor(services: SigningServices, signal?: AbortSignal) {
    this.#services = services;
    this.#signal = signal;
  }

  /** DER of the certificate. @throws `keyless.refused`, `keyless.unreachable` */
  async certificate({ token, publicKey, proof }: CertificateQuestion): Promise<Buffer> {
    const service = "the certificate authority";
    const content = publicKey.export({ type: "spki", format: "pem" }).toString();
    const answer = await this.#postJson(service, `${this.#services.fulcio}/api/v2/signingCert`, {
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: "ECDSA", content },
        proofOfPossession: Buffer.from(proof).toString("base64"),
      },
    });
    const { chain } = parse(CertificateAnswer, answer, service).signedCertificateEmbeddedSct;
    try {
      const certificate = new X509Certificate(chain.certificates[0]!);
      if (certificate.publicKey.equals(publicKey)) return certificate.raw;
    } catch {
      // Not a certificate: told like one for another key.
    }
    throw keylessErrors("keyless.refused", { service, reason: "its certificate is not for the key it was asked for" });
  }

  /** Logs a DSSE envelope as what cosign 3 looks for: hashedrekord of its encoding (reference §2.7). */
  async logEntry(encoding: Uint8Array, signature: Uint8Array, certificate: Uint8Array): Promise<LogEntry> {
    const service = "the transparency log";
    const answer = await this.#postJson(service, `${this.#services.rekor}/api/v2/log/entries`, {
      hashedRekordRequestV002: {
        digest: createHash("sha256").update(encoding).digest("base64"),
        signature: {
          content: Buffer.from(signature).toString("base64"),
          verifier: {
            keyDetails: "PKIX_ECDSA_P256_SHA_256",
            x509Certificate: { rawBytes: Buffer.from(certificate).toString("base64") },
          },
        },
      },
    });
    return parse(LogEntry, answer, service);
  }

  /** DER of the answer (RFC 3161 §2.4.2) over a signature. */
  timestamp(signature: Uint8Array, nonce: Uint8Array): Promise<Buffer> {
    return post({
      service: "the timestamp authority",
      url: this.#services.tsa,
      type: "application/timestamp-query",
      body: timestampQuery(createHash("sha256").update(signature).digest(), nonce),
      signal: this.#signal,
    });
  }

  async #postJson(service: string, url: string, content: object): Promise<Buffer> {
    return post({ service, url, type: "application/json", body: JSON.stringify(content), signal: this.#signal });
  }
}

function parse<T>(schema: z.ZodType<T>, answer: Buffer, service: string): T {
  let json: unknown;
  try {
    json = JSON.parse(answer.toString("utf8"));
  } catch {
    throw keylessErrors("keyless.refused", { service, reason: "its answer is not JSON" });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.join(".") ?? "";
  throw keylessErrors("keyless.refused", { service, reason: `its answer is not what it must be (at ${path})` });
}

/** TimeStampReq { 1, { { sha256, NULL }, digest }, nonce }: everything but digest and nonce is fixed (RFC 3161 §2.4.1). */
const QUERY_HEAD = Buffer.from("3040020101303130 0d060960864801650304020105000420".replaceAll(" ", ""), "hex");
const NONCE_HEAD = Buffer.from("0208", "hex");

/** `nonce` has eight bytes; its first is made positive and not zero, so that it is a minimal INTEGER. */
export function timestampQuery(digest: Uint8Array, nonce: Uint8Array): Buffer {
  const integer = Buffer.from(nonce);
  integer[0] = (integer[0]! & 0x7f) | 0x40;
  return Buffer.concat([QUERY_HEAD, digest, NONCE_HEAD, integer]);
}
