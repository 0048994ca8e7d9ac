// Who acts: a person, or a workload that acts for one.
import { z } from "zod";

/** A person. `id` is stable, `name` is for reading. */
export const UserPrincipal = z.strictObject({
  type: z.literal("User"),
  id: z.string().min(1),
  name: z.string(),
  groups: z.array(z.string()).default([]),
});
export type UserPrincipal = z.infer<typeof UserPrincipal>;

/** An agent run, a sandbox or a tool server. It acts for the user who started it. */
export const WorkloadPrincipal = z.strictObject({
  type: z.literal("Workload"),
  /** SPIFFE ID, e.g. `spiffe://pratique.local/run/0197…/agent/root`. */
  id: z.string().startsWith("spiffe://"),
  groups: z.array(z.string()).default([]),
  actingFor: UserPrincipal,
  /** The run this workload belongs to. */
  run: z.string().optional(),
  /** What it was made from: the agent's or server's artifact digest. */
  artifact: z.string().optional(),
});
export type WorkloadPrincipal = z.infer<typeof WorkloadPrincipal>;

export const Principal = z.discriminatedUnion("type", [UserPrincipal, WorkloadPrincipal]);
export type Principal = z.infer<typeof Principal>;
