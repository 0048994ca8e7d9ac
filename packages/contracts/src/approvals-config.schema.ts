// The keys under `approvals`: how long an act waits for a person.
import { z } from "zod";

export const ApprovalsConfig = z.strictObject({
  wait: z
    .enum(["when-watched", "always", "never"])
    .default("when-watched")
    .describe(
      "Whether a call waits for its approval: `when-watched` waits while somebody has the console or `pratique approvals watch` open, or the client itself can ask a person; otherwise it is denied at once, and an approval lets the same call through when it comes again",
    ),
  waitSeconds: z.int().min(1).max(3600).default(300).describe("Longest time that a call waits"),
  expireSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(900)
    .describe("How long an approval can be given, and how long one that was given waits for its call"),
  elicitation: z
    .boolean()
    .default(true)
    .describe("Whether a person may be asked through the client that he uses; an agent's client never is"),
});
export type ApprovalsConfig = z.infer<typeof ApprovalsConfig>;
