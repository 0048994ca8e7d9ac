// How servers behind the gateway run: what the configuration says beside an artifact or an entry.
import { z } from "zod";
import { ServerEntry } from "./server-entry.schema.ts";

const { volumes, writable, limits, transport, env, scope, life, idleStopSeconds } = ServerEntry.shape;

/** Of a server of either form. */
const COMMON_KEYS = {
  env: env.describe("Environment variables, beside those of its entry. No secrets: they belong under `secrets`"),
  scope: scope
    .removeDefault()
    .optional()
    .describe("`shared`: one process for everybody; `user`: one for each person, with his own secrets"),
  life: life
    .removeDefault()
    .optional()
    .describe("`long-lived`: its process stays; `per-call`: a process for each request"),
  idleStopSeconds: idleStopSeconds.describe(
    "A process that nobody used for so long ends, and starts again when needed",
  ),
  learn: z
    .boolean()
    .default(false)
    .describe("Notes which hosts it tries to reach, for `pratique catalog learn`; what is not allowed stays denied"),
} as const;

/** A server of the embedded registry without an entry: what it needs is said here. */
export const GatewayReferenceConfig = z.strictObject({
  reference: z.string().describe("Reference of a cleared MCP server artifact, run in a container"),
  ...COMMON_KEYS,
  network: z
    .array(z.string().max(300))
    .max(200)
    .default([])
    .describe("What it may reach: `host:port`, `*.example.com:443`. Nothing by default"),
  secrets: z
    .record(z.string().max(200), z.string().min(1).max(200))
    .default({})
    .describe(
      "Environment variable, or file (`/run/secrets/NAME`), and the name of the secret whose value it gets (`pratique secret set`)",
    ),
  volumes: volumes.describe(
    "Host directories it sees: `/host/path:/inside`, with `:rw` only what `writablePaths` names",
  ),
  writable: writable.describe("Directories inside that it writes to; they are memory"),
  limits: limits.describe("Memory, processes, processors, and the size of /tmp"),
  transport: transport
    .removeDefault()
    .optional()
    .describe(
      "How it talks: `{ type: stdio }`, or `{ type: streamable-http, port: 8080, path: /mcp }` for one that listens; by default as its image says",
    ),
});
export type GatewayReferenceConfig = z.infer<typeof GatewayReferenceConfig>;

/** What may be said beside an entry of a catalog. */
export const ENTRY_OVERRIDE_KEYS = {
  ...COMMON_KEYS,
  secrets: z
    .record(z.string().max(200), z.string().min(1).max(200))
    .default({})
    .describe("Secrets of the entry by its own names, and the names under which they are kept here"),
  network: z.array(z.string().max(300)).max(200).optional().describe("Only these of the hosts that the entry names"),
} as const;

/** Keys of the block `gateway`. */
export const GATEWAY_LIFE_KEYS = {
  writablePaths: z
    .array(z.string().min(1).max(1000))
    .max(100)
    .default([])
    .describe("Host paths that a server may write to when its entry mounts them with `:rw`: exactly these"),
  egress: z
    .strictObject({
      networks: z
        .array(z.union([z.cidrv4(), z.cidrv6()]))
        .max(100)
        .default([])
        .describe(
          "Networks that are not public and that servers may reach all the same, when an entry names a host in them",
        ),
    })
    .prefault({})
    .describe("How servers connect out"),
} as const;
