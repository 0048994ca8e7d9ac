// The two documents that clients are given: whom to believe (trusted root), and where to sign (signing config). Pure.
import { canonicalJson, digestOf, type Digest, type JsonObject } from "@pratique/core";
import type { KeyObject } from "node:crypto";
import { spkiOf } from "./certificate.ts";

const TRUSTED_ROOT_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const SIGNING_CONFIG_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json";

/** A document's bytes, which its digest is over. */
export interface TrustDocument {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

export interface TrustedRootParts {
  /** The organisation's name, e.g. `pratique.local`: documents name the services under it, wherever they are reached. */
  readonly name: string;
  readonly since: Date;
  readonly authority: Buffer;
  readonly timestampChain: readonly Buffer[];
  readonly rekor: { readonly origin: string; readonly publicKey: KeyObject; readonly logId: Buffer };
  readonly certificateLog: { readonly publicKey: KeyObject; readonly logId: Buffer };
}

export function trustedRootOf(parts: TrustedRootParts): TrustDocument {
  const { name, authority, timestampChain, rekor, certificateLog } = parts;
  const validFor = { start: parts.since.toISOString() };
  const log = (baseUrl: string, publicKey: KeyObject, logId: Buffer, keyDetails: string): JsonObject => ({
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: { rawBytes: spkiOf(publicKey).toString("base64"), keyDetails, validFor },
    logId: { keyId: logId.toString("base64") },
  });
  const issuer = (uri: string, commonName: string, chain: readonly Buffer[]): JsonObject => ({
    subject: { organization: name, commonName },
    uri,
    certChain: { certificates: chain.map((der) => ({ rawBytes: der.toString("base64") })) },
    validFor,
  });
  return document({
    mediaType: TRUSTED_ROOT_TYPE,
    // The origin of the checkpoints is this host name (reference §2.5).
    tlogs: [log(`https://${rekor.origin}`, rekor.publicKey, rekor.logId, "PKIX_ED25519")],
    certificateAuthorities: [issuer(`https://fulcio.${name}`, "pratique sigstore", [authority])],
    ctlogs: [log(`https://ctlog.${name}`, certificateLog.publicKey, certificateLog.logId, "PKIX_ECDSA_P256_SHA_256")],
    timestampAuthorities: [issuer(`https://tsa.${name}`, "pratique timestamp authority", timestampChain)],
  });
}

export interface SigningConfigParts {
  readonly name: string;
  readonly since: Date;
  /** Where the services are reached, without a slash at its end. */
  readonly url: string;
  readonly issuers: readonly string[];
}

export function signingConfigOf({ name, since, url, issuers }: SigningConfigParts): TrustDocument {
  const service = (address: string, majorApiVersion: number): JsonObject => ({
    url: address,
    majorApiVersion,
    validFor: { start: since.toISOString() },
    operator: name,
  });
  return document({
    mediaType: SIGNING_CONFIG_TYPE,
    caUrls: [service(url, 1)],
    oidcUrls: issuers.map((issuer) => service(issuer, 1)),
    rekorTlogUrls: [service(url, 2)],
    tsaUrls: [service(`${url}/api/v1/timestamp`, 1)],
    rekorTlogConfig: { selector: "ANY" },
    tsaConfig: { selector: "ANY" },
  });
}

function document(content: JsonObject): TrustDocument {
  const bytes = Buffer.from(`${canonicalJson(content)}\n`);
  return { bytes, digest: digestOf(bytes) };
}
