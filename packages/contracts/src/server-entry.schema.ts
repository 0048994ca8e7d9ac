// An entry of a catalog: one MCP server, what it needs, and what it may do.
import { z } from "zod";

export const ServerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

/** A value that a person or a policy must supply. */
export const EntrySecret = z.strictObject({
  /** Name in the store of `pratique secret`. */
  name: z.string().min(1).max(200),
  /** Environment variable that the server reads it from, */
  env: z.string().max(200).optional(),
  /** or header of a remote server, with `{}` where the value goes, */
  header: z.strictObject({ name: z.string().max(200), value: z.string().max(500).default("{}") }).optional(),
  /** or file below /run/secrets in its sandbox. */
  file: z.string().max(200).optional(),
  description: z.string().max(2000).optional(),
  required: z.boolean().default(true),
  /** user: each principal has his own. */
  scope: z.enum(["shared", "user"]).default("shared"),
});
export type EntrySecret = z.infer<typeof EntrySecret>;

/** What it may reach. There is no entry without it: nothing is said by an empty list. */
export const EntryNetwork = z.strictObject({
  /** `host:port`; `*.example.com:443` for the names below. */
  hosts: z.array(z.string().max(300)).max(200),
  /** Nobody said what it needs: an importer wrote this entry. No such entry is published. */
  unstated: z.literal(true).optional(),
});
export type EntryNetwork = z.infer<typeof EntryNetwork>;

export const EntryTool = z.strictObject({
  name: z.string().max(200),
  title: z.string().max(500).optional(),
  description: z.string().max(20_000).optional(),
  inputSchema: z.record(z.string(), z.json()).optional(),
  outputSchema: z.record(z.string(), z.json()).optional(),
  annotations: z.record(z.string(), z.json()).optional(),
  /** The catalog's own verdict, which wins over the server's claims. */
  readOnly: z.boolean().optional(),
  destructive: z.boolean().optional(),
});
export type EntryTool = z.infer<typeof EntryTool>;

/** What must be known of its image before it is placed, beyond what policy asks of every artifact. */
export const EntryEvidence = z.strictObject({
  /** Names under which the trust configuration knows signers; one of them must have signed. */
  signers: z.array(z.string().min(1).max(200)).max(50).default([]),
  provenance: z.boolean().default(false),
  sbom: z.boolean().default(false),
});
export type EntryEvidence = z.infer<typeof EntryEvidence>;

export const ServerEntry = z.strictObject({
  name: ServerName,
  /** Reverse-DNS name in the official registry, where it has one. */
  registryName: z.string().max(200).optional(),
  title: z.string().max(200).optional(),
  description: z.string().max(5000).optional(),
  version: z.string().max(255).optional(),
  website: z.string().max(2000).optional(),
  /** Where its source code is. */
  repository: z.string().max(2000).optional(),
  icon: z.string().max(2000).optional(),
  licence: z.string().max(200).optional(),
  tags: z.array(z.string().max(200)).max(100).default([]),
  /** deleted: it stands here so that others see it go; it cannot be placed. */
  status: z.enum(["active", "deprecated", "deleted"]).default("active"),
  /** RFC 3339: when this version of it was first published in this catalog, and last changed in it. */
  publishedAt: z.string().max(40).optional(),
  updatedAt: z.string().max(40).optional(),
  /** What it is packed from where it has no image yet, as `pratique pack` takes it: `npm:NAME@1.2.3`. */
  source: z.string().max(4096).optional(),
  evidence: EntryEvidence.optional(),
  /** An image, by digest, */
  image: z
    .strictObject({
      reference: z.string().max(500),
      digest: z
        .string()
        .regex(/^sha(256|512):[0-9a-f]{64,128}$/)
        .optional(),
      command: z.array(z.string().max(4000)).max(200).optional(),
      user: z.string().max(100).optional(),
    })
    .optional(),
  /** or a server that somebody else runs. */
  remote: z
    .strictObject({
      url: z.string().max(2000),
      transport: z.enum(["streamable-http", "sse"]).default("streamable-http"),
      headers: z.record(z.string(), z.string().max(4000)).default({}),
      oauth: z
        .strictObject({
          issuer: z.string().max(500).optional(),
          scopes: z.array(z.string().max(200)).max(100).default([]),
        })
        .optional(),
    })
    .optional(),
  /** How it talks: over its standard streams, or on a port of its sandbox. */
  transport: z
    .union([
      z.strictObject({ type: z.literal("stdio") }),
      z.strictObject({
        type: z.enum(["streamable-http", "sse"]),
        port: z.int().min(1).max(65_535),
        path: z.string().max(500),
      }),
    ])
    .default({ type: "stdio" }),
  env: z.record(z.string(), z.string().max(8000)).default({}),
  secrets: z.array(EntrySecret).max(100).default([]),
  /** JSON Schema (2020-12) of the values that `env`, `command` and `volumes` name as `{{key}}`. */
  config: z.record(z.string(), z.json()).optional(),
  /** `{{path}}:/inside[:ro]` */
  volumes: z.array(z.string().max(1000)).max(50).default([]),
  network: EntryNetwork,
  tools: z.array(EntryTool).max(1000).default([]),
  scope: z.enum(["shared", "user"]).default("shared"),
  life: z.enum(["long-lived", "per-call"]).default("long-lived"),
  idleStopSeconds: z.int().min(1).optional(),
  /** Directories that it writes to: memory, gone with its process. */
  writable: z
    .array(z.strictObject({ path: z.string().max(500), sizeBytes: z.int().min(4096).optional() }))
    .max(50)
    .default([]),
  limits: z
    .strictObject({
      /** Of /tmp, which is memory too. */
      tmpBytes: z.int().min(4096).optional(),
      memoryBytes: z.int().min(1).optional(),
      pids: z.int().min(1).optional(),
      cpus: z.number().positive().optional(),
    })
    .prefault({}),
  /** What other formats say that this one has no word for, by format, so that nothing is lost. */
  other: z.record(z.string(), z.json()).default({}),
});
export type ServerEntry = z.infer<typeof ServerEntry>;
