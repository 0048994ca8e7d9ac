// Servers behind the gateway as people look at them: state, processes, logs, and what they tried to reach.
import { z } from "zod";
import { ServerName } from "./server-entry.schema.ts";

export const ServerProcess = z.strictObject({
  /** Container or process id, short. */
  id: z.string(),
  /** Id of the user for whom it acts; absent: for everybody. */
  user: z.string().optional(),
});

export const RunningServer = z.strictObject({
  name: z.string(),
  /** `stopped`: somebody stopped it, and nothing starts it. */
  state: z.enum(["idle", "starting", "ready", "failed", "stopped"]),
  reference: z.string().optional(),
  digest: z.string().optional(),
  isolated: z.boolean(),
  tools: z.int(),
  processes: z.array(ServerProcess),
  /** Whether what it tries to reach is noted. */
  learning: z.enum(["off", "deny", "allow"]),
  /** Added at run time, and kept over restarts. */
  added: z.boolean(),
  error: z.string().optional(),
});
export type RunningServer = z.infer<typeof RunningServer>;

export const RunningServers = z.strictObject({ servers: z.array(RunningServer) });
export type RunningServers = z.infer<typeof RunningServers>;

export const ServerCommand = z.strictObject({ do: z.enum(["start", "stop", "restart"]) });
export type ServerCommand = z.infer<typeof ServerCommand>;

export const ServerLogLine = z.strictObject({ time: z.string(), process: z.string(), text: z.string() });
export type ServerLogLine = z.infer<typeof ServerLogLine>;

export const ServerLog = z.strictObject({ name: z.string(), lines: z.array(ServerLogLine) });
export type ServerLog = z.infer<typeof ServerLog>;

export const LearnRequest = z.strictObject({
  /** `deny`: only note attempts; `allow`: let policy let them; `off`: end. Absent: show what was seen. */
  mode: z.enum(["off", "deny", "allow"]).optional(),
});
export type LearnRequest = z.infer<typeof LearnRequest>;

export const LearnedNeeds = z.strictObject({
  name: z.string(),
  mode: z.enum(["off", "deny", "allow"]),
  hosts: z.array(z.strictObject({ host: z.string(), attempts: z.int(), allowed: z.boolean() })),
  /** What its entry would have to say, as YAML. */
  proposal: z.string(),
});
export type LearnedNeeds = z.infer<typeof LearnedNeeds>;

/** A server that is added at run time: as under `gateway.servers`. */
export const AddServerRequest = z.strictObject({ name: ServerName, server: z.json() });
export type AddServerRequest = z.infer<typeof AddServerRequest>;

export const RemovedServer = z.strictObject({ name: z.string() });
export type RemovedServer = z.infer<typeof RemovedServer>;
