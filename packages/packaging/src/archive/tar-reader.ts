// Reads tar archives from strangers: bounded, and nothing but files and directories with safe names.
import { isPratiqueError } from "@pratique/core";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { packagingErrors } from "../errors.ts";
import { pathProblem } from "./entry-path.ts";

export interface ArchiveLimits {
  readonly maxEntries: number;
  /** Of all files together, and of the archive itself with a tenth and 16 MiB on top for headers. */
  readonly maxBytes: number;
}

export interface ArchiveEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  readonly mode: number;
  readonly size: number;
  /** Where a symbolic link points; only when links are allowed. */
  readonly target: string | undefined;
  /** The file's bytes; skipped when they are not read before the next entry is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

async function* bounded(source: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.byteLength;
    if (total > limitBytes) throw packagingErrors("archive.too-large", { what: `more than ${limitBytes} bytes` });
    yield chunk;
  }
}

function typeOf(entry: ParsedTarEntry, symlinks: boolean): ArchiveEntry["type"] {
  const type = entry.header.type ?? "file";
  if (type === "file" || type === "directory") return type;
  if (type === "symlink" && symlinks) return type;
  const what = type === "symlink" || type === "link" ? "it is a link" : `it is a ${type.replace("-", " ")}`;
  throw packagingErrors("archive.unsafe", { entry: entry.header.name.slice(0, 200), reason: what });
}

/**
 * The entries of a tar archive, in order.
 * @param options.symlinks also hands out symbolic links: for archives of known origin, never for files to be written
 * @throws `archive.unsafe`, `archive.too-large`, `archive.damaged`
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
  options: { readonly symlinks?: boolean } = {},
): AsyncGenerator<ArchiveEntry> {
  const decoder = createTarDecoder({ strict: true });
  const raw = ReadableStream.from(bounded(source, Math.floor(limits.maxBytes * 1.1) + 16 * 1024 * 1024));
  const reader = raw.pipeThrough(decoder).getReader();
  const seen = new Set<string>();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const path = value.header.name.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
      if ((path === "" || path === ".") && value.header.type === "directory") {
        await value.body.cancel();
        continue;
      }
      const entry = value.header.name.slice(0, 200);
      const problem = pathProblem(path);
      if (problem !== undefined) throw packagingErrors("archive.unsafe", { entry, reason: problem });
      const type = typeOf(value, options.symlinks ?? false);
      if (seen.has(path) && type !== "directory") {
        throw packagingErrors("archive.unsafe", { entry, reason: "it is there twice" });
      }
      seen.add(path);
      if (seen.size > limits.maxEntries) {
        throw packagingErrors("archive.too-large", { what: `more than ${limits.maxEntries} entries` });
      }
      const size = type === "file" ? value.header.size : 0;
      bytes += size;
      if (!(bytes <= limits.maxBytes)) {
        throw packagingErrors("archive.too-large", { what: `more than ${limits.maxBytes} bytes` });
      }
      const body = value.body;
      const mode = (value.header.mode ?? 0o644) & 0o777;
      yield { path, type, mode, size, target: value.header.linkname, body };
      if (!body.locked) await body.cancel();
    }
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw packagingErrors("archive.damaged", { reason }, { cause: error });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
