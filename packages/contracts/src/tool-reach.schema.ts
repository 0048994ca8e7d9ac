// How the tools of a profile reach a client: all of them in its list, or found when they are needed.
import { z } from "zod";

export const ToolReachConfig = z.strictObject({
  search: z
    .union([z.boolean(), z.strictObject({ over: z.int().min(1).max(10_000) })])
    .default(false)
    .describe(
      "`true` lists only `find_tool`, `call_tool` and the pinned tools; `{ over: N }` does so when there are more than N tools",
    ),
  pinned: z.array(z.string().min(1).max(200)).max(100).default([]).describe("Tools that stay in the list"),
  codeMode: z
    .boolean()
    .default(false)
    .describe("Adds `run_code`: a small program over the tools, in an isolated interpreter"),
});
export type ToolReachConfig = z.infer<typeof ToolReachConfig>;
