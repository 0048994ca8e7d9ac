// Build platforms whose provenance is believed: `trust.builders` in `pratique.yaml`.
import { z } from "zod";

const Patterns = z.array(z.string().min(1).max(1000)).min(1);

const BuilderConfig = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(1000)
    .describe("Pattern of `builder.id`: `*` stands for anything but `/`, `**` for anything"),
  signers: z
    .array(z.string().min(1))
    .min(1)
    .describe("Names of trusted keys and identities that speak for it; nobody else can"),
  slsaLevel: z.int().min(0).max(3).describe("SLSA build level up to which it is trusted"),
  buildTypes: Patterns.optional().describe("Patterns of build types; by default any"),
  sources: Patterns.optional().describe("Patterns of source repositories, such as `https://github.com/team/*`"),
  parameters: z
    .record(z.string().min(1), Patterns)
    .optional()
    .describe("Patterns of each external parameter by its dotted path; then one that is not named is refused"),
});

export const BuildersConfig = z
  .record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/), BuilderConfig)
  .default({})
  .describe("Build platforms whose provenance is believed, by the name under which they are shown");
