// Packing MCP servers from wherever they are published, and advice on how to run one.
import { z } from "zod";

export const PackServerRequest = z.strictObject({
  /** A path of the daemon's machine, `npm:NAME@VERSION`, `pypi:NAME==VERSION`, `registry:NAME`, `image:REFERENCE` or a URL of a server.json. */
  source: z.string().min(1).max(4096),
  /** `repository[:tag]`; by default the server's own name and version. */
  reference: z.string().optional(),
});
export type PackServerRequest = z.infer<typeof PackServerRequest>;

export const AdviseRequest = z.strictObject({
  /** A path of the daemon's machine. */
  path: z.string().min(1).max(4096),
  isShared: z.boolean(),
  agent: z.enum(["local", "cluster", "cloud"]),
});
export type AdviseRequest = z.infer<typeof AdviseRequest>;

/** How a server is best run. `microvm`, `container` and `process` run it here, `remote` has it run elsewhere. */
export const RunForm = z.enum(["microvm", "container", "process", "remote"]);
export type RunForm = z.infer<typeof RunForm>;

export const AdviceReason = z.strictObject({
  /** Of the rule. */
  id: z.string(),
  form: RunForm,
  /** How much it counts; a rule that decides alone counts more than all others. */
  weight: z.int(),
  reason: z.string(),
  /** What was seen, where it was seen. */
  because: z.string(),
  source: z.string(),
});
export type AdviceReason = z.infer<typeof AdviceReason>;

export const AdviseResult = z.strictObject({
  path: z.string(),
  /** False when a process is the better form, or somebody else runs it. */
  containerise: z.boolean(),
  form: RunForm,
  reasons: z.array(AdviceReason),
  /** What to see to, whatever the form. */
  notes: z.array(z.string()),
  /** What was seen of the server. */
  facts: z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string())])),
  next: z.string(),
});
export type AdviseResult = z.infer<typeof AdviseResult>;
