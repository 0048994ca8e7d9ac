// Documents that the configuration names: from a file, or from an address and then only with the digest it names.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { PinnedDocument } from "@pratique/contracts";
import { digestOf, readBounded } from "@pratique/core";
import { ensureDirectory, systemCode, writeFileDurably } from "@pratique/store";
import { daemonErrors } from "../errors.ts";

const TIMEOUT_MS = 20_000;

/** @throws `config.invalid` naming `what` */
export async function readDocument(
  path: string,
  limitBytes: number,
  what: string,
  configFile: string,
): Promise<Buffer> {
  const wrong = (reason: string, cause?: unknown): Error =>
    daemonErrors("config.invalid", { file: configFile, problem: `${what}: ${path} ${reason}` }, { cause });
  try {
    const status = await stat(path);
    if (!status.isFile() || status.size > limitBytes) throw wrong("is no file of a fitting size");
    return await readFile(path);
  } catch (error) {
    const code = systemCode(error);
    if (code !== undefined) throw wrong(`cannot be read (${code})`, error);
    throw error;
  }
}

export interface PinnedOptions {
  readonly document: PinnedDocument;
  readonly what: string;
  readonly configFile: string;
  /** Where fetched documents are kept, by their digest: the next start needs no network. */
  readonly cache: string;
  readonly limitBytes: number;
}

/** @throws `config.invalid` for a file; `trust.unreachable`, `trust.wrong-digest` for an address */
export async function readPinned({ document, what, configFile, cache, limitBytes }: PinnedOptions): Promise<Buffer> {
  if ("file" in document)
    return readDocument(resolve(dirname(configFile), document.file), limitBytes, what, configFile);
  const { url, digest } = document;
  const kept = join(cache, `${createHash("sha256").update(digest).digest("hex")}.json`);
  const known = await readFile(kept).catch(() => undefined);
  if (known !== undefined && digestOf(known) === digest) return known;
  const bytes = await download(url, limitBytes, what);
  if (digestOf(bytes) !== digest)
    throw daemonErrors("trust.wrong-digest", { what, url, digest, found: digestOf(bytes) });
  await ensureDirectory(cache, 0o700);
  await writeFileDurably(kept, bytes);
  return bytes;
}

async function download(url: string, limitBytes: number, what: string): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok || response.body === null) throw new Error(`it answers ${response.status}`);
    return await readBounded(response.body, limitBytes, what);
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw daemonErrors("trust.unreachable", { what, url, reason }, { cause });
  }
}
