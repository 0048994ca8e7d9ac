// A waiver: a signed, scoped, expiring exception from a policy, or from one vulnerability.
import { z } from "zod";

const PolicyId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)
  .describe("`@id` of a policy, such as `provenance.required`");

/** What it is about. All that is given must match. */
export const WaiverScope = z
  .strictObject({
    artifact: z
      .string()
      .regex(/^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/)
      .optional()
      .describe("Digest of one artifact"),
    repository: z.string().min(1).max(255).optional().describe("Pattern of repositories, such as `tools/*`"),
    policy: PolicyId.optional(),
    vulnerability: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{2,63}$/)
      .optional()
      .describe("Id or alias of an advisory, such as `CVE-2026-1234`"),
    package: z.string().min(1).max(255).optional().describe("Name of a package, or the beginning of its purl"),
  })
  .refine(({ artifact, repository }) => artifact !== undefined || repository !== undefined, {
    message: "a waiver names an artifact or a pattern of repositories",
  })
  .refine(
    ({ policy, vulnerability, package: name }) =>
      policy === undefined ? (vulnerability ?? name) !== undefined : vulnerability === undefined && name === undefined,
    { message: "a waiver names either a policy, or a vulnerability, a package, or both" },
  );
export type WaiverScope = z.infer<typeof WaiverScope>;

/** A waiver as it is signed: the predicate of its statement. */
export const Waiver = z.strictObject({
  /** UUIDv7. */
  id: z.string().min(1).max(64),
  scope: WaiverScope,
  /** Why it may be so, by whoever grants it. */
  reason: z.string().min(1).max(1000),
  /** Who granted it. */
  by: z.string().min(1).max(255),
  /** RFC 3339, UTC. */
  created: z.iso.datetime(),
  expires: z.iso.datetime(),
});
export type Waiver = z.infer<typeof Waiver>;

/** A waiver that applies to an artifact now. */
export const AppliedWaiver = z.strictObject({
  id: z.string(),
  /** The policy that it waives. */
  policy: z.string().optional(),
  /** Ids of findings that it leaves out of the counts. */
  findings: z.array(z.string()),
  reason: z.string(),
  by: z.string(),
  expires: z.string(),
  /** Digest of the bundle that says so. */
  bundle: z.string(),
});
export type AppliedWaiver = z.infer<typeof AppliedWaiver>;
