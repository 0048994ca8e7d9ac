// How upstream registries fare.
import { z } from "zod";

export const UpstreamStatus = z.strictObject({
  /** The host as references name it. */
  name: z.string(),
  /** Where it answers. */
  url: z.string(),
  /** `down`: only what is cached is served; `resting`: so too, since it asked for fewer requests. */
  state: z.enum(["unused", "up", "down", "resting"]),
  since: z.string().optional(),
  reason: z.string().optional(),
});
export type UpstreamStatus = z.infer<typeof UpstreamStatus>;
