// What large blobs are made of: one block of bytes that do not compress, the same in every process.
import { createCipheriv } from "node:crypto";

export const BLOCK: Buffer = createCipheriv("aes-256-ctr", Buffer.alloc(32, 7), Buffer.alloc(16)).update(
  Buffer.alloc(1024 * 1024),
);
