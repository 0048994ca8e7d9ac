// The embedded Sigstore, and which Sigstore signs without a key.
import { z } from "zod";

const Pinned = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe("Address of the document"),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .describe("Digest of its bytes: whatever else the address answers is refused"),
});
const FromFile = z.strictObject({ file: z.string().min(1).describe("Path of the document") });

/** A document from a file, or from an address with its digest. */
export const PinnedDocument = z.union([FromFile, Pinned]);
export type PinnedDocument = z.infer<typeof PinnedDocument>;

const Name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/);

export const OidcIssuerConfig = z.strictObject({
  issuer: z.url().describe("The issuer as its tokens name it; https, or http on loopback"),
  audience: z.string().min(1).default("sigstore").describe("What its tokens must be made for"),
  subject: z
    .enum(["email", "uri", "github", "gitlab", "kubernetes"])
    .default("email")
    .describe(
      "What a certificate names: the verified e-mail address, the subject when it is a URI, the GitHub workflow, the GitLab pipeline, or the Kubernetes service account",
    ),
  jwksFile: z
    .string()
    .min(1)
    .optional()
    .describe("File with its public keys (JWK set); without it they are fetched by discovery"),
});

export const SigstoreConfig = z.strictObject({
  enabled: z.boolean().default(false).describe("Whether this daemon is a Sigstore too, below `/sigstore/`"),
  name: z
    .string()
    .regex(/^(?=.{1,200}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/)
    .default("pratique.local")
    .describe("DNS name that its certificates and its log carry; not changed later"),
  url: z.url().optional().describe("Where clients reach it; by default the listener's address"),
  issuers: z.record(Name, OidcIssuerConfig).default({}).describe("OIDC issuers whose tokens it takes, by a name"),
});
export type SigstoreConfig = z.infer<typeof SigstoreConfig>;

export const KeylessConfig = z.strictObject({
  root: Name.optional().describe(
    "The trusted root that signatures must verify under: `public`, `own`, or a name in `trust.roots`; by default `own` when `sigstore.enabled`, else `public`",
  ),
  signingConfig: PinnedDocument.optional().describe(
    "Signing config v0.2 of that Sigstore; needed only when the root is neither `public` nor `own`",
  ),
});
export type KeylessConfig = z.infer<typeof KeylessConfig>;

export const TrustRootsConfig = z
  .record(
    Name.refine((name) => name !== "public" && name !== "own", "`public` and `own` are there already"),
    PinnedDocument,
  )
  .default({})
  .describe(
    "Trusted roots (`trusted_root.json`) beside `public`, which comes with Pratique, and `own`, the embedded Sigstore's",
  );

export const TrustIdentitiesConfig = z
  .record(
    Name.refine((name) => name !== "owner", "`owner` is this daemon's own key"),
    z.strictObject({
      issuer: z.string().min(1).max(1024).describe("OIDC issuer, exactly"),
      subject: z.string().min(1).max(2048).optional().describe("Subject of the certificate, exactly"),
      subjectPattern: z
        .string()
        .min(1)
        .max(1024)
        .optional()
        .describe("Or a pattern: `*` stands for anything without `/`, `**` for anything"),
      roots: z.array(Name).min(1).optional().describe("Trusted roots that may certify it; by default each"),
      clears: z.boolean().default(false).describe("Whether clearances by it count too"),
      slsaLevel: z.int().min(0).max(3).default(1).describe("SLSA build level up to which its provenance is believed"),
    }),
  )
  .default({})
  .describe("Identities whose signatures count, made without a key, by the name that policies see as signer");
