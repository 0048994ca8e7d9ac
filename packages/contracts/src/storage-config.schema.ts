// Where the registry's content lies: `registry.storage` in `pratique.yaml`. Keys to a bucket are in no configuration.
import { z } from "zod";

const DiskStorage = z.strictObject({ type: z.literal("disk").describe("Image layouts below the state directory") });

const S3Storage = z.strictObject({
  type: z.literal("s3").describe("An S3-compatible bucket, which several daemons may share"),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .describe("Address of the storage, without the bucket, such as `https://s3.eu-central-1.amazonaws.com`"),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .describe("Name of the bucket; it has to be there"),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .default("us-east-1")
    .describe("Region that requests are signed for"),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\/?$/)
    .max(256)
    .optional()
    .describe("Key below which everything lies; by default the whole bucket"),
  pathStyle: z
    .boolean()
    .default(true)
    .describe("`https://endpoint/bucket/key`; `false` for `https://bucket.endpoint/key`"),
  credentialsFile: z
    .string()
    .optional()
    .describe(
      "YAML file, readable by its owner alone, with `accessKeyId`, `secretAccessKey` and perhaps `sessionToken`; read again when it changes. By default AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
    ),
  redirect: z
    .boolean()
    .default(true)
    .describe(
      "Clients fetch blobs of 64 KiB and more from the storage by themselves, at an address that is valid for two minutes",
    ),
  publicEndpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Address of the storage for clients that are redirected, when they reach it under another one"),
  singleWriter: z
    .boolean()
    .default(false)
    .describe("Promise that no other daemon writes to this bucket; needed for a storage without conditional writes"),
  cacheBytes: z
    .int()
    .min(0)
    .default(20 * 1024 ** 3)
    .describe("Room for blobs that have to be files here, such as the weights of a model that runs"),
});

export const StorageConfig = z.discriminatedUnion("type", [DiskStorage, S3Storage]);
export type StorageConfig = z.infer<typeof StorageConfig>;
