// Upstream registries behind ours: `registry.upstreams` in `pratique.yaml`.
import { z } from "zod";
import { Duration } from "./housekeeping-config.schema.ts";

const HOST = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?(?::\d{1,5})?$/;

const UpstreamConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Where it answers, by default `https://` and its name; a path in it comes before each repository"),
  ca: z.string().optional().describe("PEM file of a certificate authority to trust beside the usual ones"),
  credentialsFile: z
    .string()
    .optional()
    .describe(
      "YAML file, readable by its owner alone, with `username` and `password`, or a `token`; read again when it changes",
    ),
  freshness: Duration.optional().describe(
    "A tag looked up less than this ago is served without asking again; by default `10m`. Digests are never asked for again",
  ),
  imageTypes: z
    .array(
      z.strictObject({
        repository: z.string().min(1).max(255).describe("Pattern of repositories, such as `library/**`"),
        type: z
          .enum(["hardened", "official", "verified", "organization", "community"])
          .describe("What policy sees as the artifact's `imageType`"),
      }),
    )
    .optional()
    .describe("What is known of images by their name alone; the first pattern that fits counts"),
});

export const UpstreamsConfig = z
  .record(
    z.string().regex(HOST, "a host, perhaps with a port"),
    z.union([z.literal(false).describe("Not an upstream, although it is by default"), UpstreamConfig]),
  )
  .default({})
  .describe("Registries that are pulled through, by their host, beside those that are by default");
export type UpstreamsConfig = z.infer<typeof UpstreamsConfig>;
