// Blobs of rpm's own database format `ndb` (SUSE; rpm, lib/backend/ndb/rpmpkg.c), from memory.
import { Unreadable } from "../facts.ts";

const DATABASE = 0x506d_7052;
const SLOT = 0x746f_6c53;
const BLOB = 0x5362_6c42;
const PAGE = 4096;
const SLOT_BYTES = 16;
const BLOCK_BYTES = 16;
const HEADER_BYTES = 32;

/** Every blob. @throws Unreadable */
export function* ndbBlobs(file: Buffer): Generator<Buffer> {
  if (file.length < PAGE || file.readUInt32LE(0) !== DATABASE) throw new Unreadable("it is no ndb database");
  if (file.readUInt32LE(4) !== 0) throw new Unreadable("its version is unknown");
  const slotPages = file.readUInt32LE(12);
  const end = Math.min(slotPages * PAGE, file.length - SLOT_BYTES + 1);
  let bytes = 0;
  for (let at = HEADER_BYTES; at < end; at += SLOT_BYTES) {
    if (file.readUInt32LE(at) !== SLOT) throw new Unreadable("a slot is damaged");
    const index = file.readUInt32LE(at + 4);
    if (index === 0) continue;
    const start = file.readUInt32LE(at + 8) * BLOCK_BYTES;
    if (start + 16 > file.length || file.readUInt32LE(start) !== BLOB || file.readUInt32LE(start + 4) !== index) {
      throw new Unreadable("a blob is missing");
    }
    const size = file.readUInt32LE(start + 12);
    bytes += size;
    // Blobs do not share their bytes.
    if (start + 16 + size > file.length || bytes > file.length) throw new Unreadable("a blob is damaged");
    yield file.subarray(start + 16, start + 16 + size);
  }
}
