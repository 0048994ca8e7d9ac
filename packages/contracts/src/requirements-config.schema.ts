// What must be signed about artifacts, by whom, and by how many.
import { z } from "zod";

const SignerConfig = z.union([
  z.strictObject({ key: z.string().min(1).max(63).describe("Name of a trusted key, or `owner`") }),
  z.strictObject({
    issuer: z.url().describe("Issuer of the identity's token"),
    subject: z
      .string()
      .min(1)
      .max(1024)
      .describe("Pattern of the identity: `*` is anything within a segment, `**` anything at all"),
  }),
]);

const StatementRequirementConfig = z.strictObject({
  type: z
    .string()
    .min(1)
    .max(1024)
    .default("signature")
    .describe("`signature`, another short name such as `slsaprovenance1` or `cyclonedx`, or a predicate type's URI"),
  by: z
    .array(SignerConfig)
    .min(1)
    .max(64)
    .optional()
    .describe("Whose statements count; by default any trusted signer's"),
  threshold: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      "How many different signers must have made one; an identity pattern counts once, whichever subjects of it sign",
    ),
});

export const RequirementConfig = z.strictObject({
  repositories: z
    .array(z.string().min(1).max(255))
    .min(1)
    .max(256)
    .describe("Patterns of repositories: `team/*` is one level, `team/**` all below, `**` every one"),
  statements: z.array(StatementRequirementConfig).min(1).max(64).describe("What must be there, all of it"),
});
export type RequirementConfig = z.infer<typeof RequirementConfig>;

export const RequirementsConfig = z
  .array(RequirementConfig)
  .max(256)
  .default([])
  .describe("What must be signed about artifacts; every entry that fits a repository holds");
