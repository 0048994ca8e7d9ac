// An image as one tar stream that every engine loads: an OCI image layout that also has Docker's manifest.json (the
// form `docker save` writes since version 25), so that old and new loaders find what they know.
import { Readable } from "node:stream";
import { hexOf, type Digest } from "@pratique/core";
import { packTar, type TarSource } from "modern-tar/fs";

export interface ArchiveBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  open(): Promise<AsyncIterable<Uint8Array>>;
}

export interface ImageArchive {
  readonly manifest: { readonly mediaType: string; readonly digest: Digest; readonly bytes: Uint8Array };
  readonly config: ArchiveBlob;
  readonly layers: readonly ArchiveBlob[];
  /** Full name with a tag, so that the engine does not take it for waste. */
  readonly name: string;
}

/** Streams the archive; blobs are opened one after another, when their turn comes. */
export function imageArchive({ manifest, config, layers, name }: ImageArchive): Readable {
  const blobs = new Map([config, ...layers].map((blob) => [blob.digest, blob]));
  const json = (target: string, value: unknown): TarSource => content(target, JSON.stringify(value));
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      {
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.length,
        annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name },
      },
    ],
  };
  return packTar(
    [
      json("oci-layout", { imageLayoutVersion: "1.0.0" }),
      json("index.json", index),
      json("manifest.json", [
        { Config: blobPath(config.digest), RepoTags: [name], Layers: layers.map(({ digest }) => blobPath(digest)) },
      ]),
      content(blobPath(manifest.digest), manifest.bytes),
      ...[...blobs.values()].map(blobSource),
    ],
    { concurrency: 1 },
  );
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.slice(0, digest.indexOf(":"))}/${hexOf(digest)}`;
}

function content(target: string, bytes: string | Uint8Array): TarSource {
  return { type: "content", target, content: bytes, mode: 0o644, mtime: new Date(0) };
}

function blobSource(blob: ArchiveBlob): TarSource {
  async function* read(): AsyncGenerator<Uint8Array> {
    yield* await blob.open();
  }
  const stream = Readable.from(read(), { objectMode: false });
  return {
    type: "stream",
    target: blobPath(blob.digest),
    content: stream,
    size: blob.size,
    mode: 0o644,
    mtime: new Date(0),
  };
}
