// Keys under `registry` for the upkeep of its storage: collection and scrub.
import { z } from "zod";
import { Duration, Size } from "./housekeeping-config.schema.ts";

const Every = z.union([z.literal("off"), Duration]);

/** Spread into the `registry` block. */
export const UPKEEP_KEYS = {
  collect: z
    .strictObject({
      every: Every.prefault("24h").describe("How often blobs that no manifest needs are removed, or `off`"),
      grace: Duration.prefault("24h").describe(
        "How long such a blob stays after somebody was last told that it is there. Longer than the longest push takes",
      ),
    })
    .prefault({})
    .describe("Garbage collection, while pushes and pulls go on"),
  scrub: z
    .strictObject({
      every: Every.prefault("off").describe("How often every blob is read and checked, or `off`"),
      bytesPerSecond: Size.optional().describe(
        "Reads no faster than this, such as `50MiB`; by default as fast as it can",
      ),
    })
    .prefault({})
    .describe("Search for bit rot and missing content"),
};
