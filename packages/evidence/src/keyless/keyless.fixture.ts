// Two Sigstores with one issuer, and bundles made of their parts: what an attacker could put together.
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { systemClock, type Clock, type JsonObject } from "@pratique/core";
import { startSigstore, type TestSigstore } from "../../../sigstore/src/sigstore.fixture.ts";
import { preAuthEncoding } from "../dsse.ts";
import { BUNDLE_TYPE, IN_TOTO_TYPE } from "../media-types.ts";
import { SIGNATURE_PREDICATE } from "../predicates.ts";
import { encodeStatement } from "../statement.ts";
import type { Workbench } from "../workbench.fixture.ts";
import { SigningClient } from "./services.ts";
import { readSigningConfig } from "./signing-config.ts";
import { readTrustRoot, type TrustRoot } from "./trust-root.ts";

export interface Parts {
  readonly payload?: Buffer;
  /** Who gives the certificate, the timestamp, the log entry. */
  readonly authority?: TestSigstore;
  readonly stamper?: TestSigstore;
  readonly logger?: TestSigstore;
  /** What is stamped, logged and put in as the signature, when it is not the signature itself. */
  readonly stamped?: Buffer;
  readonly signingKey?: KeyObject;
  /** Logged with the bare key instead of the certificate. */
  readonly logsKey?: boolean;
  readonly beforeSigning?: () => void;
}

/** Loose on purpose: tests alter it. */
export interface BundleJson {
  verificationMaterial: {
    certificate: { rawBytes: string };
    tlogEntries: {
      logIndex: string;
      logId: { keyId: string };
      integratedTime?: string | undefined;
      inclusionProof: { logIndex: string; hashes: string[]; rootHash: string; checkpoint: { envelope: string } };
      canonicalizedBody: string;
    }[];
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] } | undefined;
  };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

export interface KeylessBench {
  readonly own: TestSigstore;
  readonly other: TestSigstore;
  readonly ownRoot: TrustRoot;
  readonly otherRoot: TrustRoot;
  makeBundle(parts?: Parts): Promise<BundleJson>;
  stop(): Promise<void>;
}

export async function openKeylessBench(bench: () => Workbench, clock: Clock = systemClock): Promise<KeylessBench> {
  const own = await startSigstore({ clock });
  const other = await startSigstore({
    clock,
    issuers: () => [{ issuer: own.issuer.url, audience: "sigstore", subject: "email" }],
  });
  const clientOf = ({ sigstore }: TestSigstore): SigningClient =>
    new SigningClient(readSigningConfig(sigstore.signingConfig.bytes, clock));
  const statement = (): Buffer =>
    encodeStatement({ subject: bench().subject.digest, predicateType: SIGNATURE_PREDICATE, predicate: {} });
  return {
    own,
    other,
    ownRoot: readTrustRoot("own", own.sigstore.trustedRoot.bytes),
    otherRoot: readTrustRoot("other", other.sigstore.trustedRoot.bytes),
    makeBundle: async (parts = {}) => {
      const { payload = statement(), authority = own, stamper = own, logger = own } = parts;
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      const proof = sign("sha256", Buffer.from("ci@example.com"), privateKey);
      const token = await own.issuer.token();
      const certificate = await clientOf(authority).certificate({ token, publicKey, proof });
      parts.beforeSigning?.();
      const encoding = preAuthEncoding(IN_TOTO_TYPE, payload);
      const signature = sign("sha256", encoding, parts.signingKey ?? privateKey);
      const timestamp = await clientOf(stamper).timestamp(parts.stamped ?? signature, randomBytes(8));
      const entry =
        parts.logsKey === true || parts.signingKey !== undefined
          ? await logKey(logger, encoding, signature, parts.signingKey ?? privateKey)
          : await clientOf(logger).logEntry(encoding, signature, certificate);
      return {
        mediaType: BUNDLE_TYPE,
        verificationMaterial: {
          certificate: { rawBytes: certificate.toString("base64") },
          tlogEntries: [structuredClone(entry)],
          timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: timestamp.toString("base64") }] },
        },
        dsseEnvelope: {
          payload: payload.toString("base64"),
          payloadType: IN_TOTO_TYPE,
          signatures: [{ sig: signature.toString("base64") }],
        },
      };
    },
    stop: async () => {
      await own.stop();
      await other.stop();
    },
  };
}

async function logKey(
  { url }: TestSigstore,
  encoding: Buffer,
  signature: Buffer,
  key: KeyObject,
): Promise<BundleJson["verificationMaterial"]["tlogEntries"][number]> {
  const rawBytes = createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
  const body: JsonObject = {
    hashedRekordRequestV002: {
      digest: createHash("sha256").update(encoding).digest("base64"),
      signature: {
        content: signature.toString("base64"),
        verifier: { keyDetails: "PKIX_ECDSA_P256_SHA_256", publicKey: { rawBytes } },
      },
    },
  };
  const answer = await fetch(`${url}/api/v2/log/entries`, { method: "POST", body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(await answer.text());
  return JSON.parse(await answer.text());
}
