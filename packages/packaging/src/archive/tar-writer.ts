// Writes tar archives that are the same bytes for the same content, as a stream.
import { isPratiqueError } from "@pratique/core";
import { createTarPacker, type TarHeader } from "modern-tar";
import { packagingErrors } from "../errors.ts";

/** One entry to write. Paths are relative, with `/`, and without a trailing one. */
export type TarEntry = {
  readonly path: string;
  /** Permission bits; by default 0644 for files and 0755 for directories. */
  readonly mode?: number;
  /** Owner of both kinds, by default root (0). */
  readonly owner?: number;
} & (
  | { readonly type: "directory" }
  | { readonly type: "symlink"; readonly target: string }
  | { readonly type: "file"; readonly body: Uint8Array }
  | { readonly type: "file"; readonly size: number; open(): AsyncIterable<Uint8Array> }
);

/** The time of every entry: nothing that differs between two runs goes in. */
const EPOCH = new Date(0);

function headerOf(entry: TarEntry): TarHeader {
  const owner = entry.owner ?? 0;
  const common = { mtime: EPOCH, uid: owner, gid: owner, uname: "", gname: "" };
  switch (entry.type) {
    case "directory":
      return { ...common, type: "directory", name: `${entry.path}/`, size: 0, mode: entry.mode ?? 0o755 };
    case "symlink":
      return { ...common, type: "symlink", name: entry.path, size: 0, mode: 0o777, linkname: entry.target };
    case "file": {
      const size = "body" in entry ? entry.body.byteLength : entry.size;
      return { ...common, type: "file", name: entry.path, size, mode: entry.mode ?? 0o644 };
    }
  }
}

async function* bodyOf(entry: TarEntry): AsyncGenerator<Uint8Array> {
  if (entry.type !== "file") return;
  if ("body" in entry) yield entry.body;
  else yield* entry.open();
}

/** Entries by the bytes of their paths, each path once. */
export function sortEntries<E extends { readonly path: string }>(entries: readonly E[]): E[] {
  return [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/**
 * The archive as a stream of chunks, entries in byte order of their paths.
 * @throws `artifact.changed` when a file has not the size it was announced with
 */
export async function* writeTar(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const feed = async (): Promise<void> => {
    for (const entry of sortEntries(entries)) {
      const header = headerOf(entry);
      const writer = controller.add(header).getWriter();
      let written = 0;
      for await (const chunk of bodyOf(entry)) {
        written += chunk.byteLength;
        if (written > header.size) throw packagingErrors("artifact.changed", { path: entry.path });
        await writer.write(chunk);
      }
      if (written !== header.size) throw packagingErrors("artifact.changed", { path: entry.path });
      await writer.close();
    }
    controller.finalize();
  };
  let failure: unknown;
  const fed = feed().catch((error: unknown) => {
    failure = error;
    controller.error(error);
  });
  try {
    yield* readable;
  } catch (error) {
    throw isPratiqueError(failure) ? failure : error;
  } finally {
    await fed;
  }
}
