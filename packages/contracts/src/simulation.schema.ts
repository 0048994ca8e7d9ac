// What a simulation of policies is asked, and what it tells.
import { z } from "zod";

export const SimulationRequest = z.strictObject({
  /** Absolute path of a directory of policies, or of a pack, in place of the policies in force. */
  directory: z.string().min(1).optional(),
  /** A pack beside those in force: name, absolute path, or reference. */
  pack: z.string().min(1).max(1000).optional(),
  /** RFC 3339: only decisions since then. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** Records at most, the newest. */
  limit: z.int().min(1).max(1_000_000).default(100_000),
});
export type SimulationRequest = z.input<typeof SimulationRequest>;

const ChangedDecision = z.strictObject({
  record: z.string(),
  time: z.string(),
  who: z.string(),
  action: z.string(),
  what: z.string(),
  verdict: z.enum(["allow", "deny"]),
  reason: z.string(),
});

const ChangedArtifact = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  policies: z.array(z.string()),
  reason: z.string(),
});

export const SimulationResult = z.strictObject({
  /** Digest of the policies that were tried. */
  policyDigest: z.string(),
  inForce: z.string(),
  decisions: z.strictObject({
    /** Records that were looked at. */
    records: z.int(),
    replayed: z.int(),
    unchanged: z.int(),
    denies: z.int(),
    allows: z.int(),
    /** Recorded otherwise than the policies in force decide now over the same facts. */
    recordedOtherwise: z.int(),
    /** By reason: their facts were not kept, or do not fit the schema; lists are decided item by item. */
    unreplayable: z.strictObject({ "not-kept": z.int(), "other-facts": z.int(), list: z.int() }),
    policies: z.array(
      z.strictObject({
        policy: z.string(),
        denies: z.int(),
        allows: z.int(),
        examples: z.array(ChangedDecision),
      }),
    ),
  }),
  artifacts: z.strictObject({
    looked: z.int(),
    /** Cleared now, and not cleared again under the policies that were tried. */
    lose: z.array(ChangedArtifact),
    /** Not to be cleared now, and cleared under them. */
    gain: z.array(ChangedArtifact),
    /** Cleared now, and cleared again: another set needs another clearance. */
    again: z.int(),
    unreadable: z.int(),
  }),
});
export type SimulationResult = z.infer<typeof SimulationResult>;
