// Files of a directory, and texts made here, as canonical files of a server.
import { digestOf } from "@pratique/core";
import type { CanonicalFile } from "../canonical/canonical-artifact.ts";
import { digestOfFile } from "../file-layer.ts";
import { readFileChunks, type SourceFile } from "../source-files.ts";
import type { ServerRole } from "./canonical-server.ts";

type File = CanonicalFile<ServerRole>;

async function* part(bytes: Uint8Array, start: number, end: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(start, end);
}

export function textFile(path: string, role: ServerRole, body: string | Uint8Array, mode = 0o644): File {
  const bytes = Buffer.from(body);
  return {
    path,
    role,
    mode,
    size: bytes.length,
    digest: digestOf(bytes),
    open: (range) => part(bytes, range?.start ?? 0, range?.end === undefined ? bytes.length : range.end + 1),
  };
}

export async function diskFile(file: SourceFile, path: string, role: ServerRole): Promise<File> {
  return {
    path,
    role,
    mode: file.executable ? 0o755 : 0o644,
    size: file.size,
    digest: await digestOfFile(file),
    open: (range) => (range === undefined ? readFileChunks(file) : slice(readFileChunks(file), range)),
  };
}

async function* slice(
  source: AsyncIterable<Uint8Array>,
  range: { readonly start: number; readonly end?: number | undefined },
): AsyncGenerator<Uint8Array> {
  let at = 0;
  const stop = range.end === undefined ? Number.POSITIVE_INFINITY : range.end + 1;
  for await (const chunk of source) {
    const from = Math.max(0, range.start - at);
    const to = Math.min(chunk.length, stop - at);
    if (from < to) yield chunk.subarray(from, to);
    at += chunk.length;
    if (at >= stop) return;
  }
}
