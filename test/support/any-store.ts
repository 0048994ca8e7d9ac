// A content store for tests by a text that a child process can be given: a directory, or a bucket as JSON.
import { silentLog, systemClock, type Clock } from "@pratique/core";
import { openBucketStore, openContentStore, type ContentStore, type S3Credentials, type S3Place } from "@pratique/oci";

export interface BucketTarget {
  readonly place: S3Place;
  readonly credentials: S3Credentials;
  readonly cacheDirectory: string;
}

export function bucketTarget({ place, ...target }: BucketTarget): string {
  return JSON.stringify({ ...target, place: { ...place, endpoint: place.endpoint.href } });
}

export function openAnyStore(target: string, clock: Clock = systemClock): Promise<ContentStore> {
  if (!target.startsWith("{")) return openContentStore(target, { clock, log: silentLog });
  const { place, credentials, cacheDirectory } = JSON.parse(target) as Omit<BucketTarget, "place"> & {
    readonly place: Omit<S3Place, "endpoint"> & { readonly endpoint: string };
  };
  return openBucketStore({
    place: { ...place, endpoint: new URL(place.endpoint), publicEndpoint: undefined },
    credentials: async () => credentials,
    redirect: true,
    cache: { directory: cacheDirectory, limitBytes: 64 * 1024 * 1024 },
    clock,
    log: silentLog,
  });
}
