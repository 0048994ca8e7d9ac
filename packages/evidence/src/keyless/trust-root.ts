// A trusted root: the authorities, logs and timestamp authorities whose word counts for a certificate.
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toTrustMaterial, Verifier, type TrustMaterial } from "@sigstore/verify";
import { digestOf, type Digest } from "@pratique/core";
import { z } from "zod";
import { evidenceErrors } from "../errors.ts";
import { FixedCertificate } from "./fixed-certificate.ts";

/** A root that was read once and is ready to verify with. */
export interface TrustRoot {
  /** The name under which the configuration knows it. */
  readonly name: string;
  readonly digest: Digest;
  readonly material: TrustMaterial;
  readonly verifier: Verifier;
}

/** Somewhat larger than any root that is known. */
export const ROOT_LIMIT_BYTES = 1024 * 1024;

/** Without a beginning a key would count for all times before it was made. */
const ValidFor = z.looseObject({ start: z.string().min(1), end: z.string().min(1).optional() });

const Log = z.looseObject({
  baseUrl: z.string().min(1),
  publicKey: z.looseObject({ rawBytes: z.base64(), keyDetails: z.string(), validFor: ValidFor }),
  logId: z.looseObject({ keyId: z.base64() }),
});
const Authority = z.looseObject({
  validFor: ValidFor,
  certChain: z.looseObject({
    certificates: z
      .array(z.looseObject({ rawBytes: z.base64() }))
      .min(1)
      .max(16),
  }),
});

/** Loose, since others own the format; what is verified with must be there. */
const RootJson = z.looseObject({
  mediaType: z.string().startsWith("application/vnd.dev.sigstore.trustedroot"),
  tlogs: z.array(Log).min(1).max(64),
  certificateAuthorities: z.array(Authority).min(1).max(64),
  ctlogs: z.array(Log).min(1).max(64),
  timestampAuthorities: z.array(Authority).max(64).default([]),
});

/**
 * Reads `trusted_root.json`. Nothing in it is verified: whoever names it, by file or by digest, vouches for it.
 * @throws `trust.invalid-root`
 */
export function readTrustRoot(name: string, bytes: Uint8Array): TrustRoot {
  const invalid = (reason: string, cause?: unknown): Error =>
    evidenceErrors("trust.invalid-root", { name, reason }, { cause });
  if (bytes.length > ROOT_LIMIT_BYTES) throw invalid(`it is larger than ${ROOT_LIMIT_BYTES} bytes`);
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const form = RootJson.safeParse(json);
    if (!form.success) throw invalid(`it is no trusted root of Sigstore (at ${form.error.issues[0]?.path.join(".")})`);
    const material = withFixedCertificates(toTrustMaterial(TrustedRoot.fromJSON(json), noKeys));
    return { name, digest: digestOf(bytes), material, verifier: new Verifier(material) };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "trust.invalid-root") throw error;
    throw invalid("it cannot be read", error);
  }
}

function withFixedCertificates(material: TrustMaterial): TrustMaterial {
  const fixed = (authorities: TrustMaterial["certificateAuthorities"]): TrustMaterial["certificateAuthorities"] =>
    authorities.map((authority) => ({
      ...authority,
      certChain: authority.certChain.map(({ root }) => FixedCertificate.of(root.toDER())),
    }));
  const { certificateAuthorities, timestampAuthorities } = material;
  return {
    ...material,
    certificateAuthorities: fixed(certificateAuthorities),
    timestampAuthorities: fixed(timestampAuthorities),
  };
}

/** Keys are trusted by `trust.keys`, never by a root. */
function noKeys(): never {
  throw new TypeError("a root names no keys");
}
