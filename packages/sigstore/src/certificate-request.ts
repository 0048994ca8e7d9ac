// A request for a certificate as Fulcio v2 takes it, and the proof that whoever asks holds the key.
import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { CertificationRequest } from "@peculiar/asn1-csr";
import { z } from "zod";
import { sigstoreErrors } from "./errors.ts";
import type { CertifiedIdentity } from "./identity-claims.ts";

/** Loose: Fulcio's own clients send more, such as the key's algorithm. */
const CertificateRequest = z.looseObject({
  credentials: z.looseObject({ oidcIdentityToken: z.string().min(1).max(16_384) }).optional(),
  publicKeyRequest: z
    .looseObject({
      publicKey: z.looseObject({ content: z.string().min(1).max(8192) }),
      proofOfPossession: z.base64().min(1).max(2048),
    })
    .optional(),
  certificateSigningRequest: z.base64().min(1).max(16_384).optional(),
});

export interface KeyClaim {
  readonly publicKey: KeyObject;
  /** What was signed with it: bytes of its own, or one of the identity's challenges. */
  readonly proof: { readonly signature: Uint8Array; readonly over?: Uint8Array };
}

export interface ParsedRequest {
  /** In the body, where it does not come as a bearer token. */
  readonly token: string | undefined;
  readonly claim: KeyClaim;
}

/** @throws `sigstore.bad-request`, `sigstore.unsupported-key` */
export function parseCertificateRequest(json: unknown): ParsedRequest {
  const parsed = CertificateRequest.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw sigstoreErrors("sigstore.bad-request", { problem: `${path.join(".")}: ${message}` });
  }
  const { credentials, publicKeyRequest, certificateSigningRequest } = parsed.data;
  const token = credentials?.oidcIdentityToken;
  if (certificateSigningRequest !== undefined) return { token, claim: fromCsr(certificateSigningRequest) };
  if (publicKeyRequest === undefined) {
    throw sigstoreErrors("sigstore.bad-request", { problem: "it has neither a key nor a certificate signing request" });
  }
  const { publicKey, proofOfPossession } = publicKeyRequest;
  return {
    token,
    claim: {
      publicKey: readKey(publicKey.content),
      proof: { signature: Buffer.from(proofOfPossession, "base64") },
    },
  };
}

/** @throws `sigstore.no-possession` */
export function checkPossession({ publicKey, proof }: KeyClaim, identity: CertifiedIdentity): void {
  const candidates = proof.over === undefined ? identity.challenges.map((text) => Buffer.from(text)) : [proof.over];
  if (candidates.some((bytes) => verify("sha256", bytes, publicKey, proof.signature))) return;
  const reason = proof.over === undefined ? "the subject is not signed with it" : "the request is not signed with it";
  throw sigstoreErrors("sigstore.no-possession", { reason });
}

/** Base64 of a PEM or of DER: clients differ. */
function fromCsr(content: string): KeyClaim {
  const outer = Buffer.from(content, "base64");
  const text = outer.toString("latin1");
  const pem = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END/.exec(text);
  const bytes = pem === null ? outer : Buffer.from(pem[1]!, "base64");
  try {
    const request = AsnConvert.parse(bytes, CertificationRequest);
    const { subjectPKInfo } = request.certificationRequestInfo;
    const raw = request.certificationRequestInfoRaw;
    if (raw === undefined) throw new TypeError("it has no body");
    return {
      publicKey: usable(
        createPublicKey({ key: Buffer.from(AsnConvert.serialize(subjectPKInfo)), format: "der", type: "spki" }),
      ),
      proof: { signature: Buffer.from(request.signature), over: Buffer.from(raw) },
    };
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "sigstore.unsupported-key") throw cause;
    throw sigstoreErrors("sigstore.bad-request", { problem: "the signing request cannot be read" }, { cause });
  }
}

/** PEM, or base64 of DER (sigstore-js, sigstore-go and sigstore-python differ). */
export function readKey(content: string): KeyObject {
  try {
    if (content.includes("-----BEGIN PUBLIC KEY-----")) return usable(createPublicKey(content));
    const bytes = Buffer.from(content, "base64");
    if (bytes.subarray(0, 10).toString("latin1") === "-----BEGIN") return usable(createPublicKey(bytes.toString()));
    return usable(createPublicKey({ key: bytes, format: "der", type: "spki" }));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "sigstore.unsupported-key") throw cause;
    throw sigstoreErrors("sigstore.bad-request", { problem: "the public key cannot be read" }, { cause });
  }
}

/** @throws `sigstore.unsupported-key` */
function usable(publicKey: KeyObject): KeyObject {
  if (publicKey.type === "public" && publicKey.asymmetricKeyDetails?.namedCurve === "prime256v1") return publicKey;
  throw sigstoreErrors("sigstore.unsupported-key", {
    reason: `it is ${publicKey.asymmetricKeyDetails?.namedCurve ?? publicKey.asymmetricKeyType ?? "unknown"}`,
  });
}
