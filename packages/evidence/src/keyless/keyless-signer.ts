// Signs without a key to keep: one key for one signature, certified for an identity, logged and timestamped.
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { bundleFromJSON } from "@sigstore/bundle";
import { X509Certificate } from "@sigstore/core";
import type { Clock } from "@pratique/core";
import { preAuthEncoding } from "../dsse.ts";
import { BUNDLE_TYPE, IN_TOTO_TYPE } from "../media-types.ts";
import type { Trust } from "../trust.ts";
import { keylessErrors } from "./errors.ts";
import { readIdentityToken } from "./identity-token.ts";
import { SigningClient } from "./services.ts";
import { certifiedIdentity } from "./signer-certificate.ts";
import { readSigningConfig } from "./signing-config.ts";
import type { TrustRoot } from "./trust-root.ts";
import type { SignerIdentity } from "./trusted-identity.ts";
import { verifyByCertificate } from "./verify-by-certificate.ts";

export interface KeylessOptions {
  /** An OIDC token; never logged, recorded or repeated in an error. */
  readonly identityToken: string;
  /** Bytes of a signing config v0.2. */
  readonly signingConfig: Uint8Array;
  /** What the result must verify under before it is attached. */
  readonly root: TrustRoot;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** Signs for one identity, under one certificate, as long as that lives. */
export interface KeylessSigner {
  readonly identity: SignerIdentity;
  /** Trusts exactly this identity under this root. */
  readonly trust: Trust;
  /** @throws `keyless.refused`, `keyless.unreachable`, `keyless.unverified` */
  makeBundle(payload: Uint8Array): Promise<Buffer>;
}

/**
 * Gets a certificate for the identity in a token. Its key lives in this object alone.
 * @throws `keyless.bad-token`, `keyless.bad-config`, `keyless.refused`, `keyless.unreachable`, `keyless.unverified`
 */
export async function openKeylessSigner(options: KeylessOptions): Promise<KeylessSigner> {
  const { token, challenge } = readIdentityToken(options.identityToken);
  const client = new SigningClient(readSigningConfig(options.signingConfig, options.clock), options.signal);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const proof = sign("sha256", Buffer.from(challenge), privateKey);
  const certificate = await client.certificate({ token, publicKey, proof });
  const identity = namedBy(certificate, options.root);
  const { issuer, subject } = identity;
  return {
    identity,
    trust: {
      keys: [],
      identities: [{ name: "own", issuer, subject, roots: [options.root.name] }],
      roots: [options.root],
    },
    makeBundle: (payload) => makeBundle(payload, { client, certificate, privateKey, root: options.root }),
  };
}

/** Whom the certificate names: what was asked for in the token is not always what was given. */
function namedBy(certificate: Buffer, root: TrustRoot): SignerIdentity {
  const named = certifiedIdentity(X509Certificate.parse(Buffer.from(certificate)));
  if (named === undefined) throw keylessErrors("keyless.unverified", { reason: "its certificate names nobody" });
  return { ...named, root: root.name };
}

interface SigningParts {
  readonly client: SigningClient;
  readonly certificate: Buffer;
  readonly privateKey: KeyObject;
  readonly root: TrustRoot;
}

/** The bundle as cosign 3 writes it; verified as anybody would before it is given out. */
async function makeBundle(
  payload: Uint8Array,
  { client, certificate, privateKey, root }: SigningParts,
): Promise<Buffer> {
  const encoding = preAuthEncoding(IN_TOTO_TYPE, payload);
  const signature = sign("sha256", encoding, privateKey);
  const timestamp = await client.timestamp(signature, randomBytes(8));
  const entry = await client.logEntry(encoding, signature, certificate);
  const bundle = {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      certificate: { rawBytes: certificate.toString("base64") },
      tlogEntries: [entry],
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: timestamp.toString("base64") }] },
    },
    // No `keyid`: cosign's verifier skips signatures that carry one (reference §2.7).
    dsseEnvelope: {
      payload: Buffer.from(payload).toString("base64"),
      payloadType: IN_TOTO_TYPE,
      signatures: [{ sig: signature.toString("base64") }],
    },
  };
  const verdict = verifyByCertificate(bundleFromJSON(bundle), [root]);
  if (!verdict.ok) throw keylessErrors("keyless.unverified", { reason: verdict.detail });
  return Buffer.from(JSON.stringify(bundle));
}
