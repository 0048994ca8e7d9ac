// Copies an artifact with everything it needs, and with what refers to it, between any two repositories.
import type { Digest } from "@pratique/core";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Descriptor } from "./descriptor.schema.ts";
import { ociErrors } from "./errors.ts";
import { contentOf, parseManifest, type ParsedManifest } from "./manifest.schema.ts";
import { isTag } from "./reference.ts";
import type { LocalRepository, Manifest, Repository } from "./repository.ts";
import { Slots } from "./s3/slots.ts";

export interface CopyOptions {
  /** Tag at the destination; the source's own when `ref` is one. */
  readonly tag?: string;
  /** Also what refers to it (signatures, SBOMs, clearances), and what refers to that. */
  readonly referrers?: boolean;
  /** Told of every blob: first with 0 bytes, then as they come; and of one that need not be moved with all of them. */
  readonly onProgress?: ((blob: Descriptor, sizeBytes: number, isMoved: boolean) => void) | undefined;
  /** Ends the copy; what came is kept for the next one. */
  readonly signal?: AbortSignal | undefined;
}

const DEPTH_LIMIT = 8;
const MANIFESTS_LIMIT = 10_000;
const BLOBS_AT_ONCE = 4;
/** Connections that carry ranges of blobs, over all blobs of a copy. */
const RANGES_AT_ONCE = 6;
/** Below this a range is not worth a file and a journal. */
const SMALL_BYTES = 1024 * 1024;

/**
 * Copies bytes as they are: blobs, then manifests, then referrers, then the tag, so that nobody sees half an artifact.
 * What the destination has is not sent again; blobs are mounted where both are of one origin.
 * @throws `manifest.not-found`, `blob.not-found`, `digest.mismatch`, `artifact.too-deep`
 */
export async function copyArtifact(
  from: Repository,
  to: Repository,
  ref: string,
  options: CopyOptions = {},
): Promise<Descriptor> {
  const root = await requireManifest(from, ref);
  const tag = options.tag ?? (isTag(ref) ? ref : undefined);
  const copy = new Copy(from, to, ref, options);
  if (options.referrers !== true) await copy.tree(root, 0, tag);
  else {
    await copy.tree(root, 0);
    if (tag !== undefined) await copy.put(root, tag);
  }
  return root.descriptor;
}

/** Brings one blob over in the same way, from a manifest that stays behind. @throws `blob.not-found`, `digest.mismatch` */
export async function copyBlob(from: Repository, to: Repository, blob: Descriptor): Promise<void> {
  await new Copy(from, to, blob.digest, {}).blob(blob);
}

class Copy {
  readonly #from: Repository;
  readonly #to: Repository;
  readonly #ref: string;
  readonly #withReferrers: boolean;
  readonly #options: CopyOptions;
  readonly #seen = new Set<Digest>();
  /** What is itself evidence: nobody signs it by a tag. */
  readonly #evidence = new Set<Digest>();
  readonly #ranges = new Slots(RANGES_AT_ONCE);

  constructor(from: Repository, to: Repository, ref: string, options: CopyOptions) {
    this.#from = from;
    this.#to = to;
    this.#ref = ref;
    this.#options = options;
    this.#withReferrers = options.referrers === true;
  }

  async tree(manifest: Manifest, depth: number, tag?: string): Promise<void> {
    const { digest } = manifest.descriptor;
    if (this.#seen.has(digest)) return;
    this.#seen.add(digest);
    if (depth > DEPTH_LIMIT) throw this.#tooDeep(`more than ${DEPTH_LIMIT} levels`);
    if (this.#seen.size > MANIFESTS_LIMIT) throw this.#tooDeep(`more than ${MANIFESTS_LIMIT} manifests`);
    const parsed = parseManifest(manifest.bytes, manifest.mediaType);
    // A repository has a manifest's content as long as it has the manifest.
    const isThere = (await this.#to.resolve(digest)) !== undefined;
    await (parsed.type === "index" ? this.#children(parsed, depth, isThere) : isThere || this.#blobs(parsed));
    if (!isThere || tag !== undefined) await this.put(manifest, tag);
    if (this.#withReferrers) await this.#referrers(digest, depth);
  }

  async put({ bytes, mediaType, descriptor }: Manifest, tag?: string): Promise<void> {
    await this.#to.putManifest(bytes, mediaType, tag, { digest: descriptor.digest });
  }

  #tooDeep(reason: string): Error {
    return ociErrors("artifact.too-deep", { reference: `${this.#from.name} ${this.#ref}`, reason });
  }

  /** Children of an index that is there are looked at only for the sake of their referrers. */
  async #children(parsed: ParsedManifest, depth: number, isThere: boolean): Promise<void> {
    if (isThere && !this.#withReferrers) return;
    for (const child of contentOf(parsed)) await this.tree(await requireManifest(this.#from, child), depth + 1);
  }

  async #referrers(digest: Digest, depth: number): Promise<void> {
    const isEvidence = this.#evidence.has(digest);
    for (const referrer of await this.#from.referrers(digest)) {
      this.#evidence.add(referrer.digest);
      await this.tree(await requireManifest(this.#from, referrer), depth + 1);
    }
    if (!isEvidence) await this.#taggedSignatures(digest, depth);
  }

  /** The manifest at the tag `sha256-<hex>.sig`, where cosign 2 signs. One that has other signatures at the destination stays. */
  async #taggedSignatures(digest: Digest, depth: number): Promise<void> {
    const tag = `${digest.replace(":", "-")}.sig`;
    const theirs = await this.#from.manifest(tag);
    if (theirs === undefined) return;
    const standing = await this.#to.manifest(tag);
    if (standing !== undefined && !holdsAll(theirs, standing)) return;
    this.#evidence.add(theirs.descriptor.digest);
    await this.tree(theirs, depth + 1, tag);
  }

  async #blobs(parsed: ParsedManifest): Promise<void> {
    const waiting = [...new Map(contentOf(parsed).map((blob) => [blob.digest, blob])).values()];
    const failed = { is: false };
    const worker = async (): Promise<void> => {
      for (let blob = waiting.shift(); blob !== undefined && !failed.is; blob = waiting.shift()) {
        try {
          await this.blob(blob);
        } catch (error) {
          failed.is = true;
          throw error;
        }
      }
    };
    // All workers are waited for: nothing goes on in the background after a failure.
    const ends = await Promise.allSettled(Array.from({ length: BLOBS_AT_ONCE }, worker));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  async blob(blob: Descriptor): Promise<void> {
    const { onProgress, signal } = this.#options;
    signal?.throwIfAborted();
    const isMoved = await this.#move(blob);
    onProgress?.(blob, blob.size, isMoved);
  }

  /** False when there was nothing to move. */
  async #move(blob: Descriptor): Promise<boolean> {
    const { digest, size } = blob;
    if ((await this.#to.blobSize(digest)) === size) return false;
    const isForeign = blob.urls !== undefined && blob.urls.length > 0;
    if (isForeign && (await this.#from.blobSize(digest)) === undefined) return false;
    if (this.#from.origin !== undefined && this.#from.origin === this.#to.origin) {
      if (await this.#to.mountBlob(digest, this.#from.name)) return false;
    }
    const onProgress = (sizeBytes: number): void => this.#options.onProgress?.(blob, sizeBytes, true);
    onProgress(0);
    const from = this.#from;
    const to = this.#to;
    if (size >= SMALL_BYTES && from.fetchBlob !== undefined && isLocal(to) && to.fillBlob !== undefined) {
      const turn = (): Promise<() => void> => this.#ranges.take();
      await to.fillBlob({ digest, size }, (path) => from.fetchBlob!({ digest, size }, path, { turn, onProgress }));
    } else if (size >= SMALL_BYTES && to.putFile !== undefined && isLocal(from)) {
      const file = await from.localFile(digest);
      try {
        await to.putFile({ sizeBytes: size, digest, open: () => open(file.path, "r"), onProgress });
      } finally {
        file.release();
      }
    } else await to.putBlob(counted(await from.openBlob(digest), onProgress), { digest, size });
    return true;
  }
}

/** True when every layer of `older` is in `newer` too, with the same annotations: the signature is in one. */
function holdsAll(newer: Manifest, older: Manifest): boolean {
  const layersOf = ({ bytes, mediaType }: Manifest): string[] =>
    contentOf(parseManifest(bytes, mediaType))
      .filter(({ annotations }) => annotations !== undefined)
      .map(({ digest, annotations }) => JSON.stringify([digest, Object.entries(annotations ?? {}).sort()]));
  const there = new Set(layersOf(newer));
  return layersOf(older).every((layer) => there.has(layer));
}

function isLocal(repository: Repository): repository is LocalRepository {
  return "localFile" in repository;
}

async function* counted(source: Readable, onBytes: (sizeBytes: number) => void): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    yield chunk;
    onBytes((sizeBytes += chunk.byteLength));
  }
}

async function requireManifest(from: Repository, wanted: string | Descriptor): Promise<Manifest> {
  const ref = typeof wanted === "string" ? wanted : wanted.digest;
  const manifest = await from.manifest(ref);
  if (manifest === undefined) throw ociErrors("manifest.not-found", { repository: from.name, reference: ref });
  const expectedBytes = typeof wanted === "string" ? manifest.bytes.byteLength : wanted.size;
  if (manifest.bytes.byteLength !== expectedBytes) {
    throw ociErrors("size.mismatch", {
      what: `manifest ${ref}`,
      actualBytes: manifest.bytes.byteLength,
      expectedBytes,
    });
  }
  return manifest;
}
