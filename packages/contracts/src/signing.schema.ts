// Signing and verifying by the control API: artifacts, directories of models, and the keys that sign.
import { z } from "zod";
import { Evidence, Signer } from "./evidence.schema.ts";
import { Kind } from "./kind.schema.ts";

/** A key's name, or the URI of one that somebody else holds. */
const KeyOrUri = z.string().min(1).max(2048);
const Path = z.string().min(1).max(4096);

export const SignRequest = z.strictObject({
  reference: z.string().min(1),
  key: KeyOrUri.optional(),
  format: z.enum(["bundle", "legacy", "both"]).optional(),
  /** Also sign a model's files, as OpenSSF Model Signing does. */
  oms: z.boolean().optional(),
});
export type SignRequest = z.infer<typeof SignRequest>;

export const SignResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  /** Digest of the manifest that holds the signature. */
  signature: z.string(),
  keyId: z.string(),
  /** The tag of the old form. */
  legacyTag: z.string().optional(),
  oms: z.strictObject({ referrer: z.string(), root: z.string(), files: z.int() }).optional(),
});
export type SignResult = z.infer<typeof SignResult>;

export const VerifyRequest = z.strictObject({
  reference: z.string().min(1),
  /** Name of a trusted key: nobody else's statements count. */
  key: z.string().min(1).max(63).optional(),
  /** Path of a public key in PEM, which counts for this one verification. */
  keyFile: Path.optional(),
  certificateIdentity: z.string().min(1).max(1024).optional(),
  certificateOidcIssuer: z.url().optional(),
  /** A predicate type, or its short name; default `signature`. */
  type: z.string().min(1).max(1024).optional(),
});
export type VerifyRequest = z.infer<typeof VerifyRequest>;

/** A requirement that is not met. */
export const UnmetRequirement = z.strictObject({
  code: z.enum(["no-statement", "other-signer", "threshold"]),
  type: z.string(),
  wanted: z.int(),
  found: z.int(),
  reason: z.string(),
});

/** The signature over a model's files. */
export const ModelSignature = z.strictObject({
  verified: z.boolean(),
  /** Why not, when it is not. */
  problems: z.array(z.string()),
  signer: z.string().optional(),
  root: z.string().optional(),
  files: z.int().optional(),
  /** What the signer left out, and so says nothing about. */
  ignored: z.array(z.string()),
});
export type ModelSignature = z.infer<typeof ModelSignature>;

export const VerifyResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  kind: Kind,
  /** Everything that was asked for, and everything that is required of this repository, is there. */
  verified: z.boolean(),
  missing: z.array(UnmetRequirement),
  /** Every statement that verifies, newest first. */
  statements: z.array(
    z.strictObject({
      type: z.string(),
      signer: Signer,
      bundle: z.string(),
      time: z.string().optional(),
      form: z.enum(["bundle", "legacy"]),
    }),
  ),
  /** Why what hangs there does not count. */
  rejected: z.array(z.strictObject({ digest: z.string(), reason: z.string(), detail: z.string() })),
  modelSignatures: z.array(ModelSignature),
  evidence: Evidence,
});
export type VerifyResult = z.infer<typeof VerifyResult>;

export const DirectorySignRequest = z.strictObject({
  directory: Path,
  key: KeyOrUri.optional(),
  /** Where the signature is written; default `model.sig` in the directory. */
  signature: Path.optional(),
  ignore: z.array(Path).max(1000).optional(),
});
export type DirectorySignRequest = z.infer<typeof DirectorySignRequest>;

export const DirectorySignResult = z.strictObject({
  directory: z.string(),
  signature: z.string(),
  root: z.string(),
  files: z.int(),
  ignored: z.array(z.string()),
  keyId: z.string(),
});
export type DirectorySignResult = z.infer<typeof DirectorySignResult>;

export const DirectoryVerifyRequest = z.strictObject({
  directory: Path,
  signature: Path.optional(),
  key: z.string().min(1).max(63).optional(),
  keyFile: Path.optional(),
});
export type DirectoryVerifyRequest = z.infer<typeof DirectoryVerifyRequest>;

export const DirectoryVerifyResult = ModelSignature.extend({ directory: z.string(), signature: z.string() });
export type DirectoryVerifyResult = z.infer<typeof DirectoryVerifyResult>;

const KeyAlgorithm = z.enum(["ecdsa-p256", "ecdsa-p384", "ed25519"]);

export const KeyCreateRequest = z.strictObject({
  name: z.string().min(1).max(63),
  algorithm: KeyAlgorithm.default("ecdsa-p256"),
  /** Where to make it, when not in a file here. */
  uri: KeyOrUri.optional(),
});
export type KeyCreateRequest = z.input<typeof KeyCreateRequest>;

/** Either a file with a private key, or the URI of a key that stays where it is. */
export const KeyImportRequest = z.strictObject({
  name: z.string().min(1).max(63),
  file: Path.optional(),
  /** File with the passphrase of an encrypted key. */
  passphraseFile: Path.optional(),
  uri: KeyOrUri.optional(),
});
export type KeyImportRequest = z.infer<typeof KeyImportRequest>;

/** A key that signs; what its holder has not been asked for is absent. */
export const SigningKeyEntry = z.strictObject({
  name: z.string(),
  where: z.string(),
  algorithm: KeyAlgorithm.optional(),
  keyId: z.string().optional(),
  publicKeyPem: z.string().optional(),
});
export type SigningKeyEntry = z.infer<typeof SigningKeyEntry>;

export const SigningKeyList = z.strictObject({ keys: z.array(SigningKeyEntry) });
export type SigningKeyList = z.infer<typeof SigningKeyList>;
