// A file to a registry in one pass: hashed while it is sent, and resumed where the registry says it stands.
import { algorithmOf, Digester, isPratiqueError, type Digest } from "@pratique/core";
import type { FileHandle } from "node:fs/promises";
import { fileIdentity } from "../digest-cache.ts";
import { ociErrors } from "../errors.ts";
import type { FileSource, StoredBlob } from "../repository.ts";
import { isInterruption, offsetOf, uploadLocation, withDigest, type UploadTarget } from "./blob-upload.ts";
import type { Answer, RegistryRequest } from "./registry-session.ts";
import { backoffMs } from "./retry.ts";

/** Above the high-water mark of a socket, so that each has left before its buffer is used again. */
const BUFFER_BYTES = 512 * 1024;
const BUFFERS = 3;
/** Smaller files are sent again sooner than they are remembered. */
const REMEMBERED_BYTES = 32 * 1024 * 1024;
const BINARY: Readonly<Record<string, string>> = { "content-type": "application/octet-stream" };

/** Where an upload stands. */
interface Progress {
  readonly location: URL;
  readonly offset: number;
}

/**
 * POST, one PATCH with everything (the form that every registry takes, since Docker sends it), `PUT ?digest`.
 * @throws `size.mismatch`, `digest.mismatch`, `registry.*`
 */
export async function uploadFile(target: UploadTarget, source: FileSource): Promise<StoredBlob> {
  return new FileUpload(target, source).run();
}

class FileUpload {
  readonly #target: UploadTarget;
  readonly #source: FileSource;
  readonly #digester: Digester;
  readonly #buffers = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafe(BUFFER_BYTES));

  constructor(target: UploadTarget, source: FileSource) {
    this.#target = target;
    this.#source = source;
    this.#digester = new Digester(source.digest === undefined ? "sha256" : algorithmOf(source.digest));
  }

  async run(): Promise<StoredBlob> {
    const { session } = this.#target;
    const key = await this.#key();
    let at = await this.#earlier(key);
    let reached = at?.offset ?? 0;
    for (let failures = 0; ; failures += 1) {
      try {
        at ??= { location: await this.#start(key), offset: 0 };
        if (at.offset < this.#source.sizeBytes) at = await this.#send(at.location, at.offset);
        if (at.offset < this.#source.sizeBytes) throw session.badAnswer("it took less than it was sent");
        const stored = this.#finished();
        await this.#commit(at.location, stored.digest);
        await this.#forget(key);
        return stored;
      } catch (error) {
        // Whoever ends it may want to go on later.
        if (session.signal?.aborted === true) throw session.signal.reason;
        // A registry that restarted may have forgotten the upload; a token may have run out on the way.
        const isLost = isPratiqueError(error, "registry.not-found");
        const isWorthIt = isInterruption(error) || isLost || isPratiqueError(error, "registry.unauthorized");
        if (!isWorthIt || failures + 1 >= session.retry.attempts) {
          if (at !== undefined) await this.#cancel(at.location);
          await this.#forget(key);
          throw error;
        }
        await session.pause(backoffMs(failures, undefined, session.retry));
        at = at === undefined || isLost ? undefined : await this.#ask(at.location, this.#digester.sizeBytes);
        if (at !== undefined && at.offset > reached) {
          reached = at.offset;
          failures = -1;
        }
      }
    }
  }

  /** Under what the upload is remembered: the file as it is now, and where it goes. */
  async #key(): Promise<string | undefined> {
    const { session, repository } = this.#target;
    if (session.uploads === undefined || this.#source.sizeBytes < REMEMBERED_BYTES) return undefined;
    const file = await this.#source.open();
    try {
      return `${session.registry} ${repository} ${fileIdentity(await file.stat({ bigint: true }))}`;
    } finally {
      await file.close();
    }
  }

  async #forget(key: string | undefined): Promise<void> {
    if (key !== undefined) await this.#target.session.uploads?.forget(key);
  }

  /** What another process began: what the registry has of it is hashed here, and not sent again. */
  async #earlier(key: string | undefined): Promise<Progress | undefined> {
    const { session } = this.#target;
    const text = key === undefined ? undefined : await session.uploads?.find(key);
    if (text === undefined || !URL.canParse(text)) return undefined;
    try {
      const at = await this.#ask(session.resolve(text, new URL(text)), this.#source.sizeBytes);
      if (at === undefined || at.offset === 0) return undefined;
      await this.#hashUpTo(at.offset);
      return at;
    } catch (error) {
      if (session.signal?.aborted === true) throw session.signal.reason;
      // Whatever became of it, a new one can be begun.
      if (isPratiqueError(error)) return undefined;
      throw error;
    }
  }

  async #hashUpTo(end: number): Promise<void> {
    const file = await this.#source.open();
    const buffer = this.#buffers[0]!;
    try {
      for (let at = 0; at < end;) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(BUFFER_BYTES, end - at), at);
        if (bytesRead === 0) throw this.#wrongSize(at);
        this.#digester.update(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  #request(request: Pick<RegistryRequest, "method" | "to" | "expect"> & Partial<RegistryRequest>): Promise<Answer> {
    const { session, repository, scopes } = this.#target;
    return session.request({ what: `an upload to ${repository}`, scopes, ...request });
  }

  async #start(key: string | undefined): Promise<URL> {
    const algorithm = this.#source.digest === undefined ? "sha256" : algorithmOf(this.#source.digest);
    const query = algorithm === "sha256" ? "" : `?digest-algorithm=${algorithm}`;
    const to = `/v2/${this.#target.repository}/blobs/uploads/${query}`;
    const answer = await this.#request({ method: "POST", to, expect: [202] });
    answer.body.resume();
    const location = uploadLocation(this.#target.session, answer, undefined);
    if (key !== undefined) await this.#target.session.uploads?.remember(key, location);
    return location;
  }

  async #send(location: URL, offset: number): Promise<Progress> {
    const { sizeBytes } = this.#source;
    const file = await this.#source.open();
    try {
      const headers = {
        ...BINARY,
        "content-length": String(sizeBytes - offset),
        ...(offset === 0 ? {} : { "content-range": `${offset}-${sizeBytes - 1}` }),
      };
      const body = this.#bytes(file, offset);
      const answer = await this.#request({ method: "PATCH", to: location, expect: [202, 204], headers, body });
      answer.body.resume();
      const next = uploadLocation(this.#target.session, answer, location);
      return { location: next, offset: offsetOf(answer) ?? sizeBytes };
    } finally {
      await file.close();
    }
  }

  /** Reads from `offset` on; what was not hashed before is hashed now. */
  async *#bytes(file: FileHandle, offset: number): AsyncGenerator<Uint8Array> {
    const { sizeBytes } = this.#source;
    // What the registry has and we never saw go out cannot be; what we hashed and it lost is sent again.
    let turn = 0;
    const read = (at: number) => {
      const buffer = this.#buffers[turn++ % BUFFERS]!;
      return file.read(buffer, 0, Math.min(BUFFER_BYTES, sizeBytes - at), at);
    };
    let at = offset;
    let pending = read(at);
    try {
      while (at < sizeBytes) {
        const { bytesRead, buffer } = await pending;
        if (bytesRead === 0) throw this.#wrongSize(at);
        const bytes = buffer.subarray(0, bytesRead);
        const next = at + bytesRead;
        if (next < sizeBytes) pending = read(next);
        const unhashed = this.#digester.sizeBytes - at;
        if (unhashed < bytesRead) this.#digester.update(unhashed > 0 ? bytes.subarray(unhashed) : bytes);
        yield bytes;
        at = next;
        this.#source.onProgress?.(at);
      }
    } finally {
      await pending.catch(() => undefined);
    }
  }

  #wrongSize(actualBytes: number): Error {
    return ociErrors("size.mismatch", { what: "the file", actualBytes, expectedBytes: this.#source.sizeBytes });
  }

  #finished(): StoredBlob {
    const { sizeBytes, digest: expected } = this.#source;
    if (this.#digester.sizeBytes !== sizeBytes) throw this.#wrongSize(this.#digester.sizeBytes);
    const digest = this.#digester.digest();
    if (expected !== undefined && expected !== digest) {
      throw ociErrors("digest.mismatch", { what: "the file", actual: digest, expected });
    }
    return { digest, size: sizeBytes };
  }

  async #commit(location: URL, digest: Digest): Promise<void> {
    const answer = await this.#request({ method: "PUT", to: withDigest(location, digest), expect: [201, 202, 204] });
    answer.body.resume();
  }

  async #ask(location: URL, limitBytes: number): Promise<Progress | undefined> {
    const answer = await this.#request({ method: "GET", to: location, expect: [204, 200, 404] });
    answer.body.resume();
    if (answer.status === 404) return undefined;
    const offset = offsetOf(answer) ?? 0;
    // A registry cannot have more than was hashed on its way there.
    if (offset > limitBytes) throw this.#target.session.badAnswer("it lost part of the upload");
    return { location: uploadLocation(this.#target.session, answer, location), offset };
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
