// One collection at a time in a bucket, over all daemons. Who dies with the lock loses it after some minutes.
import { parseJson, uuidv7, type Clock } from "@pratique/core";
import { z } from "zod";
import { ociErrors } from "../errors.ts";
import type { S3Bucket } from "./s3-bucket.ts";

const HOLD_MS = 10 * 60 * 1000;
const Holding = z.strictObject({ holder: z.string(), until: z.number() });

export class BucketLock {
  readonly #bucket: S3Bucket;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #holder: string;
  #etag: string;

  private constructor(bucket: S3Bucket, key: string, clock: Clock, holder: string, etag: string) {
    this.#bucket = bucket;
    this.#key = key;
    this.#clock = clock;
    this.#holder = holder;
    this.#etag = etag;
  }

  /** @throws `oci.collect-busy` while another daemon has it */
  static async take(bucket: S3Bucket, key: string, clock: Clock): Promise<BucketLock> {
    const holder = uuidv7(clock);
    const found = await bucket.read(key, 4096);
    const condition = found === undefined || found === "unchanged" ? undefined : { ifMatch: found.etag };
    if (found !== undefined && found !== "unchanged" && clock.now().getTime() < untilOf(found.bytes)) {
      throw ociErrors("oci.collect-busy", { storage: bucket.sender.name });
    }
    const etag = await bucket.put(key, holding(holder, clock), condition ?? { ifNoneMatch: "*" });
    if (etag === undefined) throw ociErrors("oci.collect-busy", { storage: bucket.sender.name });
    return new BucketLock(bucket, key, clock, holder, etag);
  }

  /** Holds it for some minutes more. @throws `oci.collect-busy` when it is no longer ours */
  async renew(): Promise<void> {
    const etag = await this.#bucket.put(this.#key, holding(this.#holder, this.#clock), { ifMatch: this.#etag });
    if (etag === undefined) throw ociErrors("oci.collect-busy", { storage: this.#bucket.sender.name });
    this.#etag = etag;
  }

  /** Leaves it expired rather than deleting it: a delete has no condition everywhere. */
  async release(): Promise<void> {
    const body = [Buffer.from(JSON.stringify({ holder: this.#holder, until: 0 }))];
    await this.#bucket.put(this.#key, body, { ifMatch: this.#etag });
  }
}

function holding(holder: string, clock: Clock): Uint8Array[] {
  return [Buffer.from(JSON.stringify({ holder, until: clock.now().getTime() + HOLD_MS }))];
}

/** A lock that cannot be read is nobody's. */
function untilOf(bytes: Buffer): number {
  try {
    return Holding.parse(parseJson(bytes.toString(), "a lock")).until;
  } catch {
    return 0;
  }
}
