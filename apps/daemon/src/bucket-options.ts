// From `registry.storage` to what opens the bucket.
import type { StorageConfig } from "@pratique/contracts";
import type { BucketStoreOptions } from "@pratique/oci";
import { join } from "node:path";
import { bucketCredentials } from "./bucket-credentials.ts";

type BucketConfig = Extract<StorageConfig, { type: "s3" }>;

/** @throws `storage.keys-missing`, `storage.keys-exposed` */
export async function bucketOptions(
  config: BucketConfig,
  cacheDirectory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Pick<BucketStoreOptions, "place" | "credentials" | "prefix" | "redirect" | "singleWriter" | "cache">> {
  const { endpoint, bucket, region, pathStyle, publicEndpoint, prefix, redirect, singleWriter, cacheBytes } = config;
  return {
    place: {
      endpoint: new URL(endpoint),
      bucket,
      region,
      pathStyle,
      publicEndpoint: publicEndpoint === undefined ? undefined : new URL(publicEndpoint),
    },
    credentials: await bucketCredentials(config.credentialsFile, environment),
    prefix,
    redirect,
    singleWriter,
    cache: { directory: join(cacheDirectory, "blobs"), limitBytes: cacheBytes },
  };
}
