// A repository in memory: for tests that decide themselves in which order things happen, which a disk would not let them.
import { Readable } from "node:stream";
import { digestOf, type Digest } from "@pratique/core";
import { parseManifest, type Descriptor, type Manifest, type Repository } from "@pratique/oci";

export function memoryRepository(name: string): Repository {
  const blobs = new Map<Digest, Buffer>();
  const manifests = new Map<Digest, Manifest & { readonly subject: Digest | undefined }>();
  const manifest: Repository["manifest"] = async (ref) => [...manifests].find(([digest]) => digest === ref)?.[1];
  return {
    name,
    manifest,
    resolve: async (ref) => (await manifest(ref))?.descriptor,
    async putManifest(bytes, mediaType) {
      const parsed = parseManifest(bytes, mediaType);
      const { artifactType, annotations, subject } = parsed.manifest;
      const digest = digestOf(bytes);
      const descriptor: Descriptor = {
        mediaType,
        digest,
        size: bytes.byteLength,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(annotations === undefined ? {} : { annotations }),
      };
      manifests.set(digest, { descriptor, bytes, mediaType, subject: subject?.digest });
      return descriptor;
    },
    blobSize: async (digest) => blobs.get(digest)?.length,
    openBlob: async (digest) => Readable.from([blobs.get(digest) ?? Buffer.alloc(0)]),
    async putBlob(source) {
      if (!(source instanceof Uint8Array)) throw new Error("bytes only");
      const digest = digestOf(source);
      blobs.set(digest, Buffer.from(source));
      return { digest, size: source.byteLength };
    },
    mountBlob: async () => false,
    tags: async () => [],
    deleteTag: async () => false,
    deleteManifest: async (digest) => manifests.delete(digest),
    deleteBlob: async (digest) => blobs.delete(digest),
    referrers: async (digest) =>
      [...manifests.values()].filter(({ subject }) => subject === digest).map(({ descriptor }) => descriptor),
  };
}
