// The embedded Sigstore and keyless signing, as the control API shows them.
import { z } from "zod";

const DocumentPlace = z.strictObject({ url: z.string(), digest: z.string() });

export const SigstoreStatus = z.strictObject({
  /** Absent when the configuration does not enable it. */
  own: z
    .strictObject({
      name: z.string(),
      url: z.string(),
      trustedRoot: DocumentPlace,
      signingConfig: DocumentPlace,
      issuers: z.array(z.strictObject({ issuer: z.string(), audience: z.string(), subject: z.string() })),
      /** Entries of the transparency log, and what checks its checkpoints. */
      entries: z.int(),
      certificates: z.int(),
      vkey: z.string(),
    })
    .optional(),
  /** The root that keyless signatures are made under. */
  signsUnder: z.string(),
  roots: z.array(z.strictObject({ name: z.string(), digest: z.string() })),
  identities: z.array(z.strictObject({ name: z.string(), issuer: z.string(), subject: z.string() })),
});
export type SigstoreStatus = z.infer<typeof SigstoreStatus>;

/** The documents that clients are given; `content` is their bytes, which the digest is over. */
export const SigstoreTrust = z.strictObject({
  trustedRoot: DocumentPlace.extend({ content: z.string() }),
  signingConfig: DocumentPlace.extend({ content: z.string() }),
});
export type SigstoreTrust = z.infer<typeof SigstoreTrust>;

export const KeylessSignRequest = z.strictObject({
  reference: z.string().min(1),
  /** An OIDC token. It goes to the certificate authority and nowhere else. */
  identityToken: z.string().min(1).max(16_384),
});
export type KeylessSignRequest = z.infer<typeof KeylessSignRequest>;

export const KeylessSignResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  /** Digest of the manifest that carries the signature. */
  signature: z.string(),
  issuer: z.string(),
  subject: z.string(),
  /** The trusted root that it verifies under. */
  root: z.string(),
});
export type KeylessSignResult = z.infer<typeof KeylessSignResult>;
