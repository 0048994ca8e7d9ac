// The documents of a dump: entries of a zip, files of a directory, or one file, compressed or not.
import { createReadStream } from "node:fs";
import { lstat, open, opendir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { readBounded } from "@pratique/core";
import { systemCode } from "@pratique/store";
import { vulnerabilityErrors } from "../errors.ts";
import type { ImportLimits } from "./limits.ts";
import { DocumentBudget, inBatches, type AdvisoryDocument, type WaitingDocument } from "./reading.ts";
import { zipDocuments } from "./zip-documents.ts";

export interface DocumentSet {
  readonly kind: "zip" | "directory" | "file";
  /** Some at a time, read together. */
  batches(): AsyncGenerator<readonly AdvisoryDocument[]>;
}

/** Finds out what lies at a path. Links are not followed. @throws `vulnerabilities.bad-data`, `vulnerabilities.too-large` */
export async function openDocuments(path: string, limits: ImportLimits): Promise<DocumentSet> {
  const found = await lstat(path).catch((cause: unknown) => {
    throw unreadable(path, systemCode(cause) === "ENOENT" ? "there is no such file" : "it cannot be read", cause);
  });
  if (found.isDirectory()) return { kind: "directory", batches: () => inBatches(directoryDocuments(path, limits)) };
  if (!found.isFile()) throw unreadable(path, "it is neither a file nor a directory");
  const start = await firstBytes(path);
  if (start.startsWith("504b0304") || start.startsWith("504b0506")) {
    return { kind: "zip", batches: () => zipDocuments(path, new DocumentBudget(path, limits)) };
  }
  let read: Promise<string> | undefined;
  const text = () => (read ??= singleText(path, start, limits));
  return {
    kind: "file",
    batches: async function* () {
      yield [{ name: basename(path), text: await text() }];
    },
  };
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw unreadable(path, "it cannot be read", cause);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead).toString("hex");
  } finally {
    await file.close();
  }
}

async function singleText(path: string, start: string, limits: ImportLimits): Promise<string> {
  const file = createReadStream(path);
  const stream = decompressed(file, start);
  try {
    return (await readBounded(stream, limits.documentBytes, path)).toString("utf8");
  } catch (cause) {
    throw systemCode(cause)?.startsWith("Z_") === true || systemCode(cause)?.startsWith("ZSTD") === true
      ? unreadable(path, "its compression is damaged", cause)
      : cause;
  } finally {
    file.destroy();
    stream.destroy();
  }
}

function decompressed(file: Readable, start: string): Readable {
  if (start.startsWith("1f8b")) return file.pipe(forwarding(file, createGunzip()));
  if (start.startsWith("28b52ffd")) return file.pipe(forwarding(file, createZstdDecompress()));
  return file;
}

function forwarding<T extends NodeJS.WritableStream & { destroy(error?: Error): unknown }>(file: Readable, to: T): T {
  file.once("error", (error) => void to.destroy(error));
  return to;
}

const DEEPEST_DIRECTORY = 8;

async function* directoryDocuments(path: string, limits: ImportLimits): AsyncGenerator<WaitingDocument> {
  const budget = new DocumentBudget(path, limits);
  const waiting: { directory: string; depth: number }[] = [{ directory: path, depth: 0 }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { directory, depth } = next;
    for await (const entry of await opendir(directory)) {
      const full = join(directory, entry.name);
      if (entry.isDirectory() && depth < DEEPEST_DIRECTORY && !entry.name.startsWith(".")) {
        waiting.push({ directory: full, depth: depth + 1 });
      }
      if (!entry.isFile() || !entry.name.endsWith(".json")) continue;
      budget.spend((await lstat(full)).size, entry.name);
      yield { name: entry.name, read: () => readFile(full, "utf8") };
    }
  }
}

function unreadable(path: string, reason: string, cause?: unknown): Error {
  return vulnerabilityErrors("vulnerabilities.bad-data", { path, format: "advisory", reason }, { cause });
}
