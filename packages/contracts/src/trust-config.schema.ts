// Whose signatures, SBOMs and provenance count beside the owner's own.
import { z } from "zod";
import { TrustIdentitiesConfig, TrustRootsConfig } from "./sigstore-config.schema.ts";
import { BuildersConfig } from "./builder-config.schema.ts";
import { RequirementsConfig } from "./requirements-config.schema.ts";

const TrustedKeyConfig = z.strictObject({
  file: z.string().min(1).describe("Path of a public key in PEM, such as another daemon's `keys/cosign.pub`"),
  clears: z
    .boolean()
    .default(false)
    .describe("Whether clearances by this key count too; without it only what it signed and attested does"),
  slsaLevel: z.int().min(0).max(3).default(1).describe("SLSA build level up to which its provenance is believed"),
});

export const TrustConfig = z.strictObject({
  keys: z
    .record(
      z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)
        .refine((name) => name !== "owner", "`owner` is this daemon's own key"),
      TrustedKeyConfig,
    )
    .default({})
    .describe("Public keys that are trusted, by the name that policies see as signer"),
  imageTypes: z
    .record(z.string().min(1).max(63), z.enum(["hardened", "official"]))
    .default({})
    .describe(
      "What images that a signer signed are, by the signer's name in `keys` or `identities`; without it they are `verified`",
    ),
  identities: TrustIdentitiesConfig,
  roots: TrustRootsConfig,
  requirements: RequirementsConfig,
  builders: BuildersConfig,
});
export type TrustConfig = z.infer<typeof TrustConfig>;
