// Keys under `registry.client`: how other registries are reached.
import { z } from "zod";

export const RegistryClientConfig = z.strictObject({
  ca: z.string().optional().describe("PEM file of authorities to trust for other registries, beside the usual ones"),
  proxy: z
    .strictObject({
      http: z.url().optional().describe("Proxy for registries without TLS"),
      https: z.url().optional().describe("Proxy for registries with TLS"),
      no: z.string().optional().describe("Hosts to reach without a proxy, separated by commas"),
    })
    .optional()
    .describe("In place of HTTP_PROXY, HTTPS_PROXY and NO_PROXY"),
});
export type RegistryClientConfig = z.infer<typeof RegistryClientConfig>;
