// Sortable identifiers: UUID version 7 (RFC 9562 §5.7).
import { randomBytes, randomFillSync } from "node:crypto";
import type { Clock } from "./clock.ts";

/** Makes a UUIDv7: 48 bits of Unix milliseconds, then random bits. */
export function uuidv7(clock: Clock, random: (size: number) => Uint8Array = randomBytes): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(clock.now().getTime(), 0, 6);
  bytes.set(random(10), 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const POOL_BYTES = 4096;

/** Random bytes out of a pool, for many small draws: asking the system for each costs more than all the rest of an id. */
export function pooledRandom(): (size: number) => Uint8Array {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return (size) => {
    if (size > POOL_BYTES) return randomBytes(size);
    if (used + size > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += size;
    return Buffer.from(pool.subarray(used - size, used));
  };
}
