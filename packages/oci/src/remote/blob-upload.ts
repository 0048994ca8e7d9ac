// A blob on its way out (distribution-spec 1.1, "Pushing blobs"): in one piece when it is small, else in chunks.
import { algorithmOf, Digester, isPratiqueError, type Digest, type DigestAlgorithm } from "@pratique/core";
import { ociErrors } from "../errors.ts";
import type { ExpectedBlob, StoredBlob } from "../repository.ts";
import { ChunkReader, type Chunk } from "./chunk-reader.ts";
import type { Answer, RegistryRequest, RegistrySession } from "./registry-session.ts";
import { backoffMs, isTransientError } from "./retry.ts";

/** One chunk is kept in memory, so that it can be sent again. */
const CHUNK_BYTES = 16 * 1024 * 1024;
const CHUNK_LIMIT_BYTES = 128 * 1024 * 1024;

export interface UploadTarget {
  readonly session: RegistrySession;
  readonly repository: string;
  readonly scopes: readonly string[];
}

/** Where an upload stands. */
interface Progress {
  readonly location: URL;
  readonly offset: number;
}

export async function uploadBlob(
  target: UploadTarget,
  source: AsyncIterable<Uint8Array>,
  expected: ExpectedBlob,
): Promise<StoredBlob> {
  return new BlobUpload(target, source, expected).run();
}

class BlobUpload {
  readonly #target: UploadTarget;
  readonly #reader: ChunkReader;
  readonly #expected: ExpectedBlob;
  readonly #algorithm: DigestAlgorithm;
  readonly #digester: Digester;

  constructor(target: UploadTarget, source: AsyncIterable<Uint8Array>, expected: ExpectedBlob) {
    this.#target = target;
    this.#expected = expected;
    this.#algorithm = expected.digest === undefined ? "sha256" : algorithmOf(expected.digest);
    this.#digester = new Digester(this.#algorithm);
    this.#reader = new ChunkReader(source, (chunk) => this.#see(chunk));
  }

  async run(): Promise<StoredBlob> {
    try {
      const first = await this.#reader.next(CHUNK_BYTES);
      return first.isLast ? await this.#inOnePiece(first) : await this.#inChunks(first);
    } finally {
      await this.#reader.close();
    }
  }

  #see(bytes: Uint8Array): void {
    this.#digester.update(bytes);
    const limit = this.#expected.size;
    if (limit !== undefined && this.#digester.sizeBytes > limit) throw this.#wrongSize(`more than ${limit}`);
  }

  #wrongSize(actualBytes: string | number): Error {
    return ociErrors("size.mismatch", { what: "the blob", actualBytes, expectedBytes: this.#expected.size ?? 0 });
  }

  /** What was read, once all was; nothing wrong is committed. */
  #finished(): StoredBlob {
    const stored = { digest: this.#digester.digest(), size: this.#digester.sizeBytes };
    const { digest, size } = this.#expected;
    if (size !== undefined && size !== stored.size) throw this.#wrongSize(stored.size);
    if (digest !== undefined && digest !== stored.digest) {
      throw ociErrors("digest.mismatch", { what: "the blob", actual: stored.digest, expected: digest });
    }
    return stored;
  }

  #request(request: Pick<RegistryRequest, "method" | "to" | "expect"> & Partial<RegistryRequest>): Promise<Answer> {
    const { session, repository, scopes } = this.#target;
    return session.request({ what: `an upload to ${repository}`, scopes, ...request });
  }

  async #start(): Promise<{ readonly progress: Progress; readonly chunkBytes: number }> {
    const { repository } = this.#target;
    const query = this.#algorithm === "sha256" ? "" : `?digest-algorithm=${this.#algorithm}`;
    const answer = await this.#request({
      method: "POST",
      to: `/v2/${repository}/blobs/uploads/${query}`,
      expect: [202],
    });
    answer.body.resume();
    const minimum = Number(answer.headers["oci-chunk-min-length"] ?? 0);
    if (minimum > CHUNK_LIMIT_BYTES) throw this.#target.session.badAnswer("it wants chunks larger than 128 MiB");
    const location = this.#location(answer, undefined);
    return { progress: { location, offset: 0 }, chunkBytes: Math.max(CHUNK_BYTES, minimum || 0) };
  }

  #location(answer: Answer, before: URL | undefined): URL {
    return uploadLocation(this.#target.session, answer, before);
  }

  async #commit(location: URL, digest: Digest, more: Partial<RegistryRequest> = {}): Promise<void> {
    const to = withDigest(location, digest);
    const answer = await this.#request({ method: "PUT", to, expect: [201, 202, 204], ...more });
    answer.body.resume();
  }

  /** The whole blob is in memory, so a session that got lost is simply begun again. */
  async #inOnePiece(chunk: Chunk): Promise<StoredBlob> {
    const stored = this.#finished();
    for (let attempt = 0; ; attempt += 1) {
      const { progress } = await this.#start();
      try {
        await this.#commit(progress.location, stored.digest, { body: chunk.buffers, headers: BINARY });
        return stored;
      } catch (error) {
        const isLost = isPratiqueError(error, "registry.not-found") || isPratiqueError(error, "registry.unreachable");
        if (!isLost || attempt >= 1) throw error;
      }
    }
  }

  async #inChunks(first: Chunk): Promise<StoredBlob> {
    const { progress: begun, chunkBytes } = await this.#start();
    let progress = begun;
    try {
      for (let chunk = first, isFirst = true; ; isFirst = false) {
        const sent = await this.#sendChunk(progress, chunk, isFirst && this.#canStream());
        if (sent === undefined) return await this.#streamRest(progress, first);
        progress = sent;
        if (chunk.isLast) break;
        chunk = await this.#reader.next(chunkBytes);
      }
      const stored = this.#finished();
      await this.#commit(progress.location, stored.digest);
      return stored;
    } catch (error) {
      await this.#cancel(progress.location);
      throw error;
    }
  }

  #canStream(): boolean {
    return this.#expected.digest !== undefined && this.#expected.size !== undefined;
  }

  /**
   * Sends one chunk, and what is missing of it after an interruption.
   * Undefined when the registry takes no chunks and `mayRefuse` says that there is another way.
   */
  async #sendChunk(from: Progress, chunk: Chunk, mayRefuse: boolean): Promise<Progress | undefined> {
    const { session } = this.#target;
    const end = from.offset + chunk.sizeBytes;
    let progress = from;
    for (let attempt = 0; progress.offset < end; attempt += 1) {
      const isLastTry = attempt + 1 >= session.retry.attempts;
      const before = progress.offset;
      try {
        const answer = await this.#patch(progress, chunk, end, mayRefuse ? [404, 405, 416, 501] : []);
        answer.body.resume();
        if (answer.status >= 400) return undefined;
        progress = { location: this.#location(answer, progress.location), offset: offsetOf(answer) ?? end };
      } catch (error) {
        if (isLastTry || !isInterruption(error)) throw error;
        await session.pause(backoffMs(attempt, undefined, session.retry));
        progress = await this.#ask(progress);
      }
      if (progress.offset < from.offset || progress.offset > end) throw session.badAnswer("it lost part of the upload");
      if (progress.offset === before && isLastTry) throw session.badAnswer("the upload does not move");
    }
    return progress;
  }

  #patch(progress: Progress, chunk: Chunk, end: number, alsoExpect: readonly number[]): Promise<Answer> {
    const skip = chunk.sizeBytes - (end - progress.offset);
    const headers = { ...BINARY, "content-range": `${progress.offset}-${end - 1}` };
    return this.#request({
      method: "PATCH",
      to: progress.location,
      expect: [202, 204, ...alsoExpect],
      headers,
      body: withoutFirst(chunk.buffers, skip),
      retry: "never",
    });
  }

  /** How far the registry has come (distribution-spec 1.1, end-13). */
  async #ask(progress: Progress): Promise<Progress> {
    const answer = await this.#request({ method: "GET", to: progress.location, expect: [204, 200] });
    answer.body.resume();
    return { location: this.#location(answer, progress.location), offset: offsetOf(answer) ?? progress.offset };
  }

  /** For registries without chunks: everything in one request, which cannot be repeated. */
  async #streamRest(progress: Progress, first: Chunk): Promise<StoredBlob> {
    const { digest, size } = this.#expected;
    await this.#cancel(progress.location);
    const { progress: again } = await this.#start();
    const headers = { ...BINARY, "content-length": String(size ?? 0) };
    const body = this.#reader.rest(first, () => void this.#finished());
    await this.#commit(again.location, digest ?? this.#digester.digest(), { headers, body });
    return this.#finished();
  }

  async #cancel(location: URL): Promise<void> {
    try {
      const answer = await this.#request({ method: "DELETE", to: location, expect: [204, 202, 404], retry: "never" });
      answer.body.resume();
    } catch {
      // Only a courtesy: registries let uploads expire, and the failure that led here is the one to tell.
    }
  }
}

const BINARY: Readonly<Record<string, string>> = { "content-type": "application/octet-stream" };

/** Where the upload goes on, which every answer may change. */
export function uploadLocation(session: RegistrySession, answer: Answer, before: URL | undefined): URL {
  const location = answer.headers.location;
  if (location !== undefined) return session.resolve(location, answer.url);
  if (before === undefined) throw session.badAnswer("it names no place for the upload");
  return before;
}

/** The address that finishes an upload. Signed query strings must stay as they are, so the digest is appended as text. */
export function withDigest(location: URL, digest: Digest): URL {
  const separator = location.search === "" ? "?" : "&";
  return new URL(`${location.href}${separator}digest=${encodeURIComponent(digest)}`);
}

/** `Range: 0-499` means 500 bytes; `0-0` is what an empty upload is given by older registries. */
export function offsetOf(answer: Answer): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(headerText(answer.headers["range"]));
  if (match === null) return undefined;
  const last = Number(match[1]);
  return last === 0 ? 0 : last + 1;
}

function headerText(value: string | string[] | undefined): string {
  return typeof value === "string" ? value : "";
}

/** True for a failure after which the upload's offset is worth asking for. */
export function isInterruption(error: unknown): boolean {
  if (isPratiqueError(error, "registry.unreachable") || isPratiqueError(error, "registry.rate-limited")) return true;
  if (isPratiqueError(error, "registry.failed")) {
    const { details } = error;
    const status = typeof details === "object" && details !== null && "status" in details ? Number(details.status) : 0;
    return status >= 500 || status === 416 || status === 408;
  }
  return isTransientError(error);
}

function withoutFirst(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (skip < buffer.byteLength) rest.push(skip === 0 ? buffer : buffer.subarray(skip));
    skip = Math.max(0, skip - buffer.byteLength);
  }
  return rest;
}
