// Where a configured source lies: a directory on this machine, or an address; its files are asked for by name.
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemCode } from "@pratique/store";
import { vulnerabilityErrors } from "../errors.ts";
import type { Downloader } from "./http-download.ts";
import { plainLine } from "./limits.ts";

export interface MirrorFile {
  /** Where it lies on this machine, for as long as the mirror is open. */
  readonly path: string;
  readonly etag?: string | undefined;
}

export interface FileOptions {
  readonly etag?: string | undefined;
  /** By default the mirror's. */
  readonly limitBytes?: number;
}

export interface Mirror {
  /** True for one with several files, `""` being none of them. */
  readonly isDirectory: boolean;
  /** The directory, where it is on this machine. */
  readonly local?: string;
  /** When a file on this machine was last written: nobody says when it was fetched. Undefined for one on the web. */
  asOf(name: string): Promise<string | undefined>;
  /** Undefined when there is none; `unchanged` when it is still what `etag` says. @throws `vulnerabilities.unavailable` */
  file(name: string, options?: FileOptions): Promise<MirrorFile | "unchanged" | undefined>;
}

export interface MirrorOptions {
  readonly source: string;
  readonly url: string;
  readonly downloader: Downloader;
  /** Where downloads lie meanwhile. */
  readonly directory: string;
  readonly limitBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Hands the mirror to `use`; what was downloaded is gone afterwards. @throws `vulnerabilities.unavailable` */
export async function withMirror<T>(options: MirrorOptions, use: (mirror: Mirror) => Promise<T>): Promise<T> {
  const { url } = options;
  if (!/^https?:/i.test(url)) return use(await localMirror(options));
  const directory = await mkdtemp(join(options.directory, DOWNLOADS));
  try {
    return await use(webMirror(options, directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const DOWNLOADS = "advisories-";

/** Removes what an interrupted update left in `directory`. */
export async function removeDownloads(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(DOWNLOADS)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function localMirror({ url, source }: MirrorOptions): Promise<Mirror> {
  const root = url.startsWith("file:") ? fileURLToPath(url) : url;
  const found = await stat(root).catch((cause: unknown) => {
    throw unavailable(source, url, systemCode(cause) === "ENOENT" ? "there is nothing" : "it cannot be read", cause);
  });
  const isDirectory = found.isDirectory();
  return {
    isDirectory,
    ...(isDirectory ? { local: root } : {}),
    asOf: async (name) => (await stat(join(root, name)).catch(() => undefined))?.mtime.toISOString(),
    file: async (name) => {
      const path = name === "" ? root : join(root, name);
      return stat(path).then(
        () => ({ path }),
        () => undefined,
      );
    },
  };
}

function webMirror(options: MirrorOptions, directory: string): Mirror {
  const { url, source, downloader, limitBytes, signal } = options;
  let count = 0;
  return {
    isDirectory: new URL(url).pathname.endsWith("/"),
    asOf: async () => undefined,
    file: async (name, { etag, limitBytes: limit = limitBytes } = {}) => {
      const address = new URL(name.split("/").map(encodeURIComponent).join("/"), url);
      const path = join(directory, String((count += 1)));
      try {
        const got = await downloader.download(address, path, { limitBytes: limit, etag, signal });
        if (got.outcome === "missing") return undefined;
        return got.outcome === "unchanged" ? got.outcome : { path, etag: got.etag };
      } catch (cause) {
        signal?.throwIfAborted();
        throw unavailable(source, address.href, reasonOf(cause), cause);
      }
    },
  };
}

function reasonOf(cause: unknown): string {
  const code = systemCode(cause);
  return plainLine(code ?? (cause instanceof Error ? cause.message : String(cause)), 200);
}

function unavailable(source: string, url: string, reason: string, cause?: unknown): Error {
  return vulnerabilityErrors("vulnerabilities.unavailable", { source, url: withoutPassword(url), reason }, { cause });
}

/** An address may hold a password, and errors are shown. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//");
}
