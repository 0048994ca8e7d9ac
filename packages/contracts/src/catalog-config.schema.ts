// `gateway.catalog` and what goes with it: which signed lists of servers count here.
import { z } from "zod";
import { ServerName } from "./server-entry.schema.ts";

const CatalogReference = z.string().min(1).max(1000);

/** A server of a catalog in force. */
export const GatewayEntryConfig = z.strictObject({
  entry: ServerName.describe("Name of an entry of `gateway.catalog`: its image, tools, network and limits count"),
  config: z
    .record(z.string(), z.json())
    .default({})
    .describe("Values of the entry's config schema, which its command, env and volumes name as `{{key}}`"),
});
export type GatewayEntryConfig = z.infer<typeof GatewayEntryConfig>;

export const CATALOG_GATEWAY_KEYS = {
  catalog: z
    .union([CatalogReference.transform((one) => [one]), z.array(CatalogReference).max(20)])
    .default([])
    .describe(
      "Signed and cleared catalogs of the embedded registry, by reference, best with a digest (`team/catalog@sha256:…`); the first that has an entry gives it",
    ),
  catalogOnly: z
    .boolean()
    .default(false)
    .describe("Only servers of these catalogs may be placed behind the gateway, whoever asks"),
  openRegistry: z
    .boolean()
    .default(false)
    .describe("`/v0.1/servers` answers without a token, for clients that send none; it listens on loopback only"),
} as const;
