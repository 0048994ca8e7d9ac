// A blob on its way in: goes on where a connection broke, and is checked before its last chunk is handed on.
import { algorithmOf, Digester, type Digest } from "@pratique/core";
import { Readable } from "node:stream";
import { ociErrors } from "../errors.ts";
import type { ByteRange } from "../repository.ts";
import type { Answer, RegistrySession } from "./registry-session.ts";
import { backoffMs } from "./retry.ts";

const BUFFER_BYTES = 1024 * 1024;

export interface DownloadOptions {
  readonly session: RegistrySession;
  readonly digest: Digest;
  readonly range: ByteRange | undefined;
  /** Asks for the blob from a byte on. */
  readonly ask: (range: ByteRange | undefined) => Promise<Answer>;
}

/** Resolves when the registry has begun to answer. */
export async function downloadBlob(options: DownloadOptions): Promise<Readable> {
  const state = new Download(options, await options.ask(options.range));
  const stream = Readable.from(state.chunks(), { objectMode: false, highWaterMark: BUFFER_BYTES });
  // A generator that was never read from runs no `finally`.
  stream.once("close", () => state.drop());
  return stream;
}

class Download {
  readonly #options: DownloadOptions;
  #answer: Answer;
  readonly #start: number;
  /** Bytes of this download, when the registry says so. */
  readonly #length: number | undefined;
  #received = 0;

  constructor(options: DownloadOptions, answer: Answer) {
    this.#options = options;
    this.#answer = answer;
    this.#start = options.range?.start ?? 0;
    this.#length = this.#plannedLength(answer);
  }

  #plannedLength(answer: Answer): number | undefined {
    const header = answer.headers["content-length"];
    if (header === undefined || !/^\d{1,15}$/.test(header)) return undefined;
    const end = this.#options.range?.end;
    // A registry that ignores the range sends everything.
    const rest = answer.status === 206 ? Number(header) : Math.max(Number(header) - this.#start, 0);
    return end === undefined ? rest : Math.min(rest, end - this.#start + 1);
  }

  drop(): void {
    this.#answer.body.destroy();
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const { digest, range } = this.#options;
    const digester = range === undefined ? new Digester(algorithmOf(digest)) : undefined;
    let held: Uint8Array | undefined;
    for await (const chunk of this.#arriving()) {
      if (digester === undefined) {
        // Of a part nothing can be checked, so nothing is held back.
        yield chunk;
        continue;
      }
      if (held !== undefined) yield held;
      digester.update(chunk);
      held = chunk;
    }
    if (this.#length !== undefined && this.#received !== this.#length) {
      throw ociErrors("size.mismatch", {
        what: `blob ${digest}`,
        actualBytes: this.#received,
        expectedBytes: this.#length,
      });
    }
    const actual = digester?.digest();
    if (actual !== undefined && actual !== digest) {
      throw ociErrors("digest.mismatch", { what: "the downloaded blob", actual, expected: digest });
    }
    if (held !== undefined) yield held;
  }

  /** The bytes that were asked for, over as many connections as it takes. */
  async *#arriving(): AsyncGenerator<Uint8Array> {
    const { session } = this.#options;
    for (let failures = 0; ; failures += 1) {
      const before = this.#received;
      try {
        yield* this.#oneAnswer();
        return;
      } catch (error) {
        if (session.signal?.aborted === true) throw session.signal.reason;
        if (!(error instanceof BrokenBody)) throw error;
        if (this.#received > before) failures = 0;
        if (failures + 1 >= session.retry.attempts) {
          throw ociErrors("registry.unreachable", {
            registry: session.registry,
            reason: "the connection breaks again and again",
          });
        }
        await session.pause(backoffMs(failures, undefined, session.retry));
        await this.#askForRest();
      }
    }
  }

  async #askForRest(): Promise<void> {
    const { ask, range } = this.#options;
    this.drop();
    const isFromStart = this.#received === 0 && range === undefined;
    this.#answer = await ask(isFromStart ? undefined : { start: this.#start + this.#received, end: range?.end });
  }

  async *#oneAnswer(): AsyncGenerator<Uint8Array> {
    const answer = this.#answer;
    let skip = answer.status === 206 ? 0 : this.#start + this.#received;
    if (answer.status === 206) this.#requireStart(answer, this.#start + this.#received);
    const end = this.#options.range?.end;
    const limit = end === undefined ? this.#length : end - this.#start + 1;
    for await (const chunk of bodyOf(answer)) {
      let rest = skip > 0 ? chunk.subarray(Math.min(skip, chunk.byteLength)) : chunk;
      skip -= chunk.byteLength - rest.byteLength;
      if (limit !== undefined) rest = rest.subarray(0, limit - this.#received);
      if (rest.byteLength === 0) {
        if (limit !== undefined && this.#received >= limit && skip <= 0) return;
        continue;
      }
      this.#received += rest.byteLength;
      yield rest;
    }
    if (limit !== undefined && this.#received < limit && answer.headers["content-length"] !== undefined) {
      throw new BrokenBody();
    }
  }

  #requireStart(answer: Answer, start: number): void {
    const match = /^bytes (\d{1,15})-/.exec(answer.headers["content-range"] ?? "");
    if (match === null || Number(match[1]) !== start) {
      throw this.#options.session.badAnswer("it sends another range than the one asked for");
    }
  }
}

/** The connection ended before the body did. */
class BrokenBody extends Error {}

async function* bodyOf(answer: Answer): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer.body) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (error) {
    if (error instanceof Error && "code" in error) throw new BrokenBody(undefined, { cause: error });
    throw error;
  }
}
