// What scrub learnt of files: each inode is read once, however many repositories have a name of it.
import { algorithmOf, type Digest } from "@pratique/core";
import { constants, type BigIntStats } from "node:fs";
import { lstat, open } from "node:fs/promises";
import type { PacedReader } from "./paced-reader.ts";
import { isMissing } from "./storage-error.ts";

export type Inspection =
  | { readonly state: "missing" }
  | { readonly state: "not-a-file"; readonly detail: string }
  /** `isKnown`: it was found damaged before, under another name. */
  | { readonly state: "damaged"; readonly detail: string; readonly inode: bigint; readonly isKnown: boolean }
  | { readonly state: "good"; readonly inode: bigint };

export class InspectedFiles {
  readonly #reader: PacedReader;
  readonly #good = new Set<string>();
  readonly #damaged = new Map<string, string>();

  constructor(reader: PacedReader) {
    this.#reader = reader;
  }

  /** How many files were read. */
  get size(): number {
    return this.#good.size + this.#damaged.size;
  }

  /** Reads the file at `path`, unless one of the same inode was read, and compares it with the digest of its name. */
  async inspect(path: string, digest: Digest): Promise<Inspection> {
    const facts = await factsOf(path);
    if (facts === undefined) return { state: "missing" };
    if (!facts.isFile())
      return { state: "not-a-file", detail: facts.isSymbolicLink() ? "it is a link" : "it is no file" };
    const inode = facts.ino;
    const sizeBytes = Number(facts.size);
    // One inode under the names of two digests is wrong under one of them.
    const key = `${facts.dev}:${inode}:${digest}`;
    if (this.#good.has(key)) return { state: "good", inode };
    let detail = this.#damaged.get(key);
    const isKnown = detail !== undefined;
    if (detail === undefined) {
      const actual = await this.#read(path, digest);
      if (actual === undefined) return { state: "missing" };
      if (actual === digest) {
        this.#good.add(key);
        return { state: "good", inode };
      }
      detail = actual.startsWith("sha") ? `its content is ${actual}, of ${sizeBytes} bytes` : actual;
      this.#damaged.set(key, detail);
    }
    return { state: "damaged", detail, inode, isKnown };
  }

  /** The digest of the content, or why it cannot be read: a disk that fails is damage, too. */
  async #read(path: string, digest: Digest): Promise<string | undefined> {
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return await this.#reader.digest(file, algorithmOf(digest));
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (error instanceof Error && "code" in error && error.code === "EIO") return "it cannot be read from the disk";
      throw error;
    }
  }
}

async function factsOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
