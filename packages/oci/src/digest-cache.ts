// Digests of files that did not change since they were read: what was pushed once need not be read again.
import { isDigest, type Clock, type Digest } from "@pratique/core";
import type { BigIntStats } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

const ENTRIES_LIMIT = 10_000;
const LINE = /^([0-9]+(?::[0-9]+){4}) (\S{1,200})$/;
/**
 * A file that was touched just now may be touched again without a change of its times (git's "racy" problem): two
 * seconds cover the coarsest file systems.
 */
const RACY_MS = 2000;

/** Device, inode, size, and both times to the nanosecond: writing to a file changes its ctime, which nobody can set. */
export function fileIdentity({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

export class DigestCache {
  readonly #path: string;
  readonly #clock: Clock;
  #entries: Promise<Map<string, Digest>> | undefined;
  #isChanged = false;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  async find(stats: BigIntStats): Promise<Digest | undefined> {
    return (await this.#load()).get(fileIdentity(stats));
  }

  /** Remembers what a file was found to be; `stats` from after it was read, equal to those from before. */
  async remember(stats: BigIntStats, digest: Digest): Promise<void> {
    const newest = stats.ctimeNs > stats.mtimeNs ? stats.ctimeNs : stats.mtimeNs;
    if (Number(newest / 1_000_000n) > this.#clock.now().getTime() - RACY_MS) return;
    const entries = await this.#load();
    const key = fileIdentity(stats);
    if (entries.get(key) === digest) return;
    entries.delete(key);
    entries.set(key, digest);
    for (const oldest of entries.keys()) {
      if (entries.size <= ENTRIES_LIMIT) break;
      entries.delete(oldest);
    }
    this.#isChanged = true;
  }

  /** Not synced: after a power cut the worst is that files are read again. */
  async save(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const lines = [...(await this.#load())].map(([key, digest]) => `${key} ${digest}\n`);
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFile(`${this.#path}.new`, lines.join(""), { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
  }

  #load(): Promise<Map<string, Digest>> {
    this.#entries ??= readFile(this.#path, "utf8").then(decode, () => new Map<string, Digest>());
    return this.#entries;
  }
}

function decode(text: string): Map<string, Digest> {
  const entries = new Map<string, Digest>();
  for (const line of text.split("\n")) {
    const [, key, digest] = LINE.exec(line) ?? [];
    if (key !== undefined && digest !== undefined && isDigest(digest)) entries.set(key, digest);
  }
  return entries;
}
