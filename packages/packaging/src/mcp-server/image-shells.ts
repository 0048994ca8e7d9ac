// What an image has that a server needs not: shells and package managers, found by the names in its layers.
import { createTarDecoder } from "modern-tar";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { Descriptor, Repository } from "@pratique/oci";

/** Entries looked at, and bytes unpacked, over all layers; past that the rest is not looked at. */
const LIMITS = { entries: 300_000, bytes: 4 * 1024 * 1024 * 1024 } as const;
const SHELL = /^(?:usr\/)?(?:local\/)?s?bin\/(?:sh|bash|dash|ash|zsh|ksh|busybox)$/;
const PACKAGE_MANAGER = /^(?:usr\/)?(?:local\/)?s?bin\/(?:apt|apt-get|dpkg|apk|dnf|microdnf|yum|rpm|pip|pip3|npm)$/;
const WHITEOUT = ".wh.";

export interface ImageTools {
  readonly shells: readonly string[];
  readonly packageManagers: readonly string[];
  /** False when the image was too large to look at all of it, or a layer could not be read. */
  readonly isWhole: boolean;
}

/** Layers apply in order: what an upper one removes is gone (image-spec, layer.md, whiteouts). */
export async function toolsInImage(repository: Repository, layers: readonly Descriptor[]): Promise<ImageTools> {
  const paths = new Set<string>();
  const left = { entries: LIMITS.entries, bytes: LIMITS.bytes as number };
  let isWhole = true;
  for (const layer of layers) {
    try {
      for await (const path of pathsOf(repository, layer, left)) {
        const name = path.slice(path.lastIndexOf("/") + 1);
        if (name.startsWith(WHITEOUT)) paths.delete(path.slice(0, -name.length) + name.slice(WHITEOUT.length));
        else if (SHELL.test(path) || PACKAGE_MANAGER.test(path)) paths.add(path);
      }
    } catch {
      // Finding no shell is no promise then, and is not told as one.
      isWhole = false;
    }
    if (left.entries <= 0 || left.bytes <= 0) {
      isWhole = false;
      break;
    }
  }
  const found = [...paths].sort();
  return {
    shells: found.filter((path) => SHELL.test(path)),
    packageManagers: found.filter((path) => PACKAGE_MANAGER.test(path)),
    isWhole,
  };
}

async function* pathsOf(
  repository: Repository,
  layer: Descriptor,
  left: { entries: number; bytes: number },
): AsyncGenerator<string> {
  const blob = await repository.openBlob(layer.digest);
  const unpack = layer.mediaType.endsWith("gzip")
    ? createGunzip()
    : layer.mediaType.endsWith("zstd")
      ? createZstdDecompress()
      : undefined;
  const plain = unpack === undefined ? blob : blob.pipe(unpack);
  blob.on("error", (error) => plain.destroy(error));
  async function* bounded(): AsyncGenerator<Uint8Array> {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      left.bytes -= chunk.length;
      if (left.bytes <= 0) throw new Error("too large");
      yield chunk;
    }
  }
  try {
    const entries = Readable.toWeb(Readable.from(bounded())).pipeThrough(createTarDecoder());
    for await (const { header, body } of entries as AsyncIterable<{
      header: { name: string };
      body: ReadableStream<Uint8Array>;
    }>) {
      await body.cancel();
      left.entries -= 1;
      if (left.entries <= 0) throw new Error("too many entries");
      yield header.name.replace(/^(?:\.?\/)+/, "");
    }
  } finally {
    blob.destroy();
    plain.destroy();
  }
}
