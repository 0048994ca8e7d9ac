// A repository of content, the same for the local store and for a remote registry.
import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Digest, DigestAlgorithm } from "@pratique/core";
import type { Descriptor } from "./descriptor.schema.ts";
import type { CollectOptions, CollectReport, ScrubOptions, ScrubReport } from "./maintenance.ts";

/** A manifest or index as it was pushed: the bytes are never serialised again. */
export interface Manifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** Part of a blob: both ends count from 0, and `end` is the last byte wanted (as in RFC 9110 §14.1.2). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number | undefined;
}

/** What a caller knows beforehand of a blob it hands in. A difference is an error and nothing is kept. */
export interface ExpectedBlob {
  readonly digest?: Digest | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
}

export interface StoredBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface PutManifestOptions {
  /** Local only: takes a manifest although some of its layers or manifests are missing (distribution-spec: sparse manifests). */
  readonly sparse?: boolean;
  /** What the bytes must be; its algorithm is the one they are stored under. @throws `digest.mismatch` */
  readonly digest?: Digest | undefined;
  /** More tags for it; in the local store all of them appear at once. */
  readonly tags?: readonly string[] | undefined;
}

/** A file of this machine that is to become a blob. */
export interface FileSource {
  readonly sizeBytes: number;
  /** Known beforehand; the content must have it. */
  readonly digest?: Digest | undefined;
  /** Opened anew for every try; whoever asked closes it. */
  readonly open: () => Promise<FileHandle>;
  /** Bytes that are on their way, told as they grow. */
  readonly onProgress?: ((sizeBytes: number) => void) | undefined;
}

export interface FetchOptions {
  /** Waits until one more connection may be used; resolves with what ends its turn. */
  readonly turn?: (() => Promise<() => void>) | undefined;
  /** Bytes that are there, told as they grow. */
  readonly onProgress?: ((sizeBytes: number) => void) | undefined;
}

/** Where bytes go as they come. */
export interface Landing {
  /** Where the next ones are to go; never empty. */
  room(): Uint8Array;
  /** So many came there. `pause`: no more until it is drained, although a few that were on their way may still come. */
  came(sizeBytes: number): "more" | "pause" | "enough";
  /** Takes what ends a pause. */
  whenDrained(resume: () => void): void;
}

export interface LandOptions {
  /** The first byte wanted. */
  readonly start: number;
  /** Called when the registry has begun to answer; nothing lands before it resolves. */
  readonly onOpened?: (() => Promise<void>) | undefined;
}

/** `ref` is a tag or a digest. What is not there is `undefined`, `false` or an empty list; it is no error. */
export interface Repository {
  readonly name: string;
  /** Repositories of equal origin can mount each other's blobs. */
  readonly origin?: string;
  resolve(ref: string): Promise<Descriptor | undefined>;
  manifest(ref: string): Promise<Manifest | undefined>;
  /** Stores a manifest, and points `tag` at it. @throws `manifest.invalid`, `manifest.blob-missing` */
  putManifest(bytes: Uint8Array, mediaType: string, tag?: string, options?: PutManifestOptions): Promise<Descriptor>;
  /** Size in bytes. */
  blobSize(digest: Digest): Promise<number | undefined>;
  /** @throws `blob.not-found`, `blob.range-invalid`; a whole remote blob fails with `digest.mismatch` before its last chunk */
  openBlob(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** Stores a blob under its digest (sha256 unless another is expected). @throws `digest.mismatch`, `size.mismatch` */
  putBlob(source: Uint8Array | AsyncIterable<Uint8Array>, expected?: ExpectedBlob): Promise<StoredBlob>;
  /**
   * Absent where it would be no better than `openBlob`. Fetches a blob into a file, several ranges at once, and goes on
   * with what an earlier call left there. The file is checked and on disk when it resolves. @throws `digest.mismatch`
   */
  fetchBlob?(blob: StoredBlob, path: string, options?: FetchOptions): Promise<void>;
  /** Absent where it would be no better than `openBlob`. The bytes from `start` on, in order and unchecked, over as many connections as it takes. @throws `size.mismatch` */
  landBlob?(blob: StoredBlob, landing: Landing, options: LandOptions): Promise<void>;
  /** Absent where it would be no better than `putBlob`. Reads the file once. @throws `digest.mismatch`, `size.mismatch` */
  putFile?(source: FileSource): Promise<StoredBlob>;
  /** Takes a blob over from another repository of the same origin; false when that cannot be had. */
  mountBlob(digest: Digest, from: string): Promise<boolean>;
  /** In lexical order. */
  tags(): Promise<string[]>;
  deleteTag(tag: string): Promise<boolean>;
  /** Deletes a manifest and every tag that points at it. */
  deleteManifest(digest: Digest): Promise<boolean>;
  deleteBlob(digest: Digest): Promise<boolean>;
  /** Manifests whose `subject` is this digest, with their own artifact type and annotations, in a stable order. */
  referrers(digest: Digest, artifactType?: string): Promise<Descriptor[]>;
}

/** What a manifest is, and what it needs. */
export interface ManifestFacts {
  readonly descriptor: Descriptor;
  readonly subject: Digest | undefined;
  readonly isIndex: boolean;
  /** Config and layers, or the manifests of an index. */
  readonly content: ReadonlySet<Digest>;
}

/** A blob as a file of this machine. */
export interface LocalFile {
  /** Read only. */
  readonly path: string;
  /** Lets the file go; until then it stays where it is. */
  release(): void;
}

/** A repository in the content store. */
export interface LocalRepository extends Repository {
  readonly origin: string;
  /** True once something was put into it. */
  exists(): Promise<boolean>;
  /** Where the blob's bytes lie (whether or not it is there), read only; undefined when that is not on this machine. */
  blobPath(digest: Digest): string | undefined;
  /** The blob as a file, for who needs one (random access, `mmap`); fetched and checked when it is elsewhere. @throws `blob.not-found` */
  localFile(digest: Digest): Promise<LocalFile>;
  /** An address from which a client can fetch a large blob by itself for a short time; undefined when we have to send it. */
  blobAddress(digest: Digest, sizeBytes: number): Promise<URL | undefined>;
  /**
   * Takes a whole file over as a blob: it was checked already and lies below the store; it is gone afterwards. Absent
   * where content does not lie on this machine: then `putBlob` has to read it.
   */
  takeFile?(path: string, blob: StoredBlob): Promise<void>;
  /** Begins a resumable upload. Naming the algorithm saves reading the content twice when it is not sha256. */
  startUpload(algorithm?: DigestAlgorithm): Promise<Upload>;
  /**
   * Absent where blobs are no files. `fill` writes a blob's content to a path, checked and on disk; the same path comes
   * again after a failure or a restart, with what was left there. One call a blob at a time.
   */
  fillBlob?(blob: StoredBlob, fill: (path: string) => Promise<void>): Promise<void>;
  /** Every blob that lies in it, manifests among them. */
  blobs(): Promise<StoredBlob[]>;
  /** Every manifest that it has, tagged or not. */
  manifests(): Promise<ManifestFacts[]>;
  /** An upload of this repository that was begun before, also before a restart. */
  resumeUpload(id: string): Promise<Upload | undefined>;
}

/** Bytes as they come. */
export interface ChunkSource extends AsyncIterable<Uint8Array> {
  /** Takes back a chunk that was not kept, and may be filled again. */
  release?(chunk: Uint8Array): void;
}

/** A blob on its way in. What was appended survives a restart; what was not committed expires. */
export interface Upload {
  readonly id: string;
  /** Bytes received. */
  readonly offset: number;
  /**
   * Appends and returns the new offset. When the source fails, what had come is kept.
   * With `offset` given, refuses to append anywhere else. @throws `upload.wrong-offset`, `oci.storage-full`
   */
  append(chunks: ChunkSource, offset?: number): Promise<number>;
  /** Makes it a blob, durably. On a wrong digest the upload is gone. @throws `digest.mismatch` */
  commit(digest: Digest): Promise<StoredBlob>;
  cancel(): Promise<void>;
}

/** All repositories of one directory or bucket: an OCI image layout each, blobs stored once. */
export interface ContentStore {
  /** @throws `reference.invalid` when the name is none */
  repository(name: string): LocalRepository;
  /** Names of the repositories that hold a manifest, in lexical order. */
  repositories(): Promise<string[]>;
  /** Names of the repositories that have this blob, also those without a manifest yet, in lexical order. */
  holders(digest: Digest): Promise<string[]>;
  /** Removes what nobody needs, while pushes go on. One at a time. */
  collect(options: CollectOptions): Promise<CollectReport>;
  /** Reads every blob once and reports what is damaged or missing. */
  scrub(options: ScrubOptions): Promise<ScrubReport>;
  close(): Promise<void>;
}
