// Where content lies: in files here, or in a bucket.
import type { StorageConfig } from "@pratique/contracts";
import { openBucketStore, openContentStore, type ContentStore } from "@pratique/oci";
import { bucketOptions } from "./bucket-options.ts";
import type { Home } from "./home.ts";

/** @throws what either store says of a place that it cannot use */
export async function openStore(
  storage: StorageConfig,
  home: Home,
  environment: Readonly<Record<string, string | undefined>>,
  storing: Parameters<typeof openContentStore>[1],
): Promise<ContentStore> {
  if (storage.type === "disk") return openContentStore(home.registry, storing);
  return openBucketStore({ ...storing, ...(await bucketOptions(storage, home.cache, environment)) });
}
