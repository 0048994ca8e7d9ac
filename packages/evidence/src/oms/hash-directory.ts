// The digests of a model's files in a directory, as a model statement lists them.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { blake3 } from "@noble/hashes/blake3.js";
import { fileError } from "@pratique/store";
import { omsErrors } from "./errors.ts";
import { isOmsIgnored } from "./compare-files.ts";
import type { OmsHash, OmsStatement } from "./oms-statement.ts";

export interface HashOptions {
  readonly ignored: readonly string[];
  readonly hash: OmsHash;
  readonly shardBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FILE_LIMIT = 100_000;

/** What a statement says about how its files were hashed. */
export function hashOptionsOf({ hash, shardBytes, ignored }: OmsStatement): HashOptions {
  return { hash, shardBytes, ignored };
}

/**
 * Hashes what lies in a directory, or one file, which then has the name `.`. Links and special files are refused, as the
 * reference does: what they point to is not part of the model.
 * @throws `oms.not-a-file`, `oms.too-many`
 */
export async function hashDirectory(path: string, options: HashOptions): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const status = await lstat(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (status.isFile()) {
    await hashFile(path, ".", options, found);
    return found;
  }
  if (!status.isDirectory()) throw omsErrors("oms.not-a-file", { path });
  for (const name of await filesBelow(path, "", options.ignored)) {
    options.signal?.throwIfAborted();
    await hashFile(join(path, name), name, options, found);
  }
  return found;
}

async function filesBelow(root: string, below: string, ignored: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (isOmsIgnored(name, ignored)) continue;
    if (entry.isDirectory()) names.push(...(await filesBelow(root, name, ignored)));
    else if (entry.isFile()) names.push(name);
    else throw omsErrors("oms.not-a-file", { path: join(root, name) });
    if (names.length > FILE_LIMIT) throw omsErrors("oms.too-many", { path: root, limit: FILE_LIMIT });
  }
  return names;
}

async function hashFile(path: string, name: string, options: HashOptions, found: Map<string, string>): Promise<void> {
  const { hash, shardBytes, signal } = options;
  if (shardBytes === undefined) {
    found.set(name, await hashRange(path, hash, undefined, signal));
    return;
  }
  const { size } = await lstat(path);
  for (let start = 0; start < size; start += shardBytes) {
    const end = Math.min(start + shardBytes, size);
    found.set(`${name}:${start}:${end}`, await hashRange(path, hash, { start, end: end - 1 }, signal));
  }
}

async function hashRange(
  path: string,
  hash: OmsHash,
  range: { readonly start: number; readonly end: number } | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const digest = hasherOf(hash);
  const stream = createReadStream(path, {
    highWaterMark: 1024 * 1024,
    ...range,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    for await (const chunk of stream) digest.update(chunk);
  } catch (error) {
    throw fileError(error, path);
  }
  return Buffer.from(digest.digest()).toString("hex");
}

interface Hasher {
  update(chunk: Uint8Array): unknown;
  digest(): Uint8Array;
}

function hasherOf(hash: OmsHash): Hasher {
  if (hash === "blake3") return blake3.create();
  return createHash(hash === "sha256" ? "sha256" : "blake2b512");
}
