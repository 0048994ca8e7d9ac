// How clearances are kept when policy or vulnerability data change.
import { z } from "zod";

export const ClearanceConfig = z.strictObject({
  renew: z
    .boolean()
    .default(true)
    .describe(
      "Whether an artifact is cleared again by itself when policy, decided anew, says the same; without it a person clears again",
    ),
  signRefusals: z
    .boolean()
    .default(false)
    .describe("Whether refusals are signed too, so that the artifact itself carries that it FAILED"),
  longestWaiver: z.int().min(1).max(3650).default(365).describe("Days after which every waiver ends, at the latest"),
});
export type ClearanceConfig = z.infer<typeof ClearanceConfig>;
