// What the gateway shows to whom: profiles, limits, and what records hold of arguments.
import { z } from "zod";
import { ServerName } from "./server-entry.schema.ts";
import { ToolReachConfig } from "./tool-reach.schema.ts";

/** What every client accepts as a tool's name. */
const PublicName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);

export const ProfileTool = z.strictObject({
  name: PublicName.optional().describe("Name under which clients know it"),
  description: z.string().max(20_000).optional().describe("Description in place of the server's own"),
  arguments: z
    .record(z.string().max(200), z.json())
    .default({})
    .describe("Arguments with fixed values: clients do not see them"),
});
export type ProfileTool = z.infer<typeof ProfileTool>;

export const ProfileServer = z.strictObject({
  tools: z
    .union([z.array(z.string().max(200)).max(1000), z.record(z.string().max(200), ProfileTool)])
    .optional()
    .describe(
      "Tools of this server that it shows; absent: all. As a map with changes; `*` in it stands for all others",
    ),
  prompts: z.boolean().default(true).describe("Whether it shows the server's prompts"),
  resources: z.boolean().default(true).describe("Whether it shows the server's resources"),
});
export type ProfileServer = z.infer<typeof ProfileServer>;

export const AccessMode = z.enum(["read-only", "non-destructive", "full"]);
export type AccessMode = z.infer<typeof AccessMode>;

export const ProfileName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

export const GatewayProfile = z.strictObject({
  description: z.string().max(2000).optional().describe("What it is for"),
  servers: z
    .union([z.array(ServerName).max(200), z.record(ServerName, ProfileServer)])
    .describe("Names of servers, or a map from names to what it shows of each"),
  access: AccessMode.default("full").describe(
    "`read-only`: tools that the catalog holds for read-only; `non-destructive`: also those it holds for harmless; `full`: all that policy allows",
  ),
  users: z.array(z.string().max(500)).max(1000).optional().describe("Ids or names of the people for whom it is"),
  groups: z.array(z.string().max(500)).max(1000).optional().describe("Groups for whom it is. Neither: for everybody"),
  instructions: z.string().max(8000).optional().describe("Instructions in place of those of its servers"),
  ...ToolReachConfig.shape,
});
export type GatewayProfile = z.infer<typeof GatewayProfile>;

export const GatewayLimit = z.strictObject({
  name: ProfileName.describe("Name that errors and logs tell"),
  counts: z.enum(["calls", "lists", "all"]).default("calls").describe("Which requests it counts"),
  per: z
    .array(z.enum(["principal", "server", "tool"]))
    .default(["principal"])
    .describe("Each of which has a count of its own; empty: all together"),
  users: z.array(z.string().max(500)).max(1000).optional().describe("Only these people, by id or name"),
  groups: z.array(z.string().max(500)).max(1000).optional().describe("Only these groups"),
  servers: z.array(ServerName).max(200).optional().describe("Only these servers"),
  tools: z.array(z.string().max(200)).max(1000).optional().describe("Only these tools, by the server's own names"),
  rate: z
    .strictObject({
      requests: z.int().min(1).max(1_000_000).describe("So many requests"),
      seconds: z.int().min(1).max(86_400).describe("in so many seconds"),
    })
    .optional()
    .describe("Rate, with bursts up to its number of requests"),
  perDay: z.int().min(1).max(1_000_000_000).optional().describe("So many requests a day (UTC), kept over restarts"),
});
export type GatewayLimit = z.infer<typeof GatewayLimit>;

/** Keys of the block `gateway` in the configuration. */
export const GATEWAY_ROUTER_KEYS = {
  profiles: z.record(ProfileName, GatewayProfile).default({}).describe("What /mcp/NAME shows, by name"),
  limits: z.array(GatewayLimit).max(200).default([]).describe("Rates and quotas"),
  record: z
    .strictObject({
      arguments: z
        .enum(["digest", "content"])
        .default("content")
        .describe("Whether records hold the arguments of calls (small ones, without secrets) or only their digest"),
    })
    .prefault({})
    .describe("What records hold"),
  resultLimitBytes: z
    .int()
    .min(1024)
    .max(8 * 1024 * 1024)
    .default(1024 * 1024)
    .describe("Size of one result that is passed on"),
};
