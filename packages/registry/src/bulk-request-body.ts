// A large request body that goes from the socket into buffers that are used again: node:http copies each 64 KiB into a fresh one.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { ChunkSource } from "@pratique/oci";
import { BUFFER_BYTES, type BufferShelf } from "./buffer-shelf.ts";
import { registryErrors } from "./errors.ts";
import { announcedBytes } from "./request-body.ts";

/** Below this the connection that it costs is worth more. */
export const BULK_BYTES = 16 * 1024 * 1024;
/** Filled buffers that wait to be written before the client has to. */
const AHEAD = 4;
/** So much more is read away when nobody wants the rest, so that the client gets to read the answer. */
const DRAIN_BYTES = 1024 * 1024;

export interface BulkOptions {
  readonly shelf: BufferShelf;
  readonly idleMs: number;
}

/**
 * Takes the rest of a body of known length over from node:http; undefined where that cannot be (TLS, chunked, small).
 * The connection serves no further request: the answer says so.
 */
export function bulkBody(req: IncomingMessage, res: ServerResponse, options: BulkOptions): ChunkSource | undefined {
  const sizeBytes = announcedBytes(req);
  if (req.headers["transfer-encoding"] !== undefined || !(sizeBytes >= BULK_BYTES)) return undefined;
  const handle = handleOf(req.socket);
  return handle === undefined ? undefined : new BulkRequestBody(req, res, handle, sizeBytes, options);
}

/** node:net has no public way to give an accepted connection buffers of one's own, but takes a handle that has it. */
function handleOf(socket: Socket): object | undefined {
  if (socket.constructor !== Socket || socket.destroyed) return undefined;
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return undefined;
  return typeof Reflect.get(handle, "useUserBuffer") === "function" ? handle : undefined;
}

class BulkRequestBody implements ChunkSource {
  readonly #req: IncomingMessage;
  readonly #options: BulkOptions;
  readonly #sizeBytes: number;
  readonly #handle: object;
  readonly #filled: Buffer[] = [];
  #buffer: Buffer;
  #fill = 0;
  #received = 0;
  #reader: Socket | undefined;
  #error: Error | undefined;
  #isLeft = false;
  #isStopped = false;
  #drained = 0;
  #wake: (() => void) | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, handle: object, sizeBytes: number, options: BulkOptions) {
    this.#req = req;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
    this.#options = options;
    this.#buffer = options.shelf.take();
    res.setHeader("Connection", "close");
  }

  release(chunk: Uint8Array): void {
    const { buffer } = chunk;
    if (buffer.byteLength === BUFFER_BYTES) this.#options.shelf.giveBack(Buffer.from(buffer));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    this.#takeOver();
    let isWaiting = true;
    const { idleMs } = this.#options;
    const timer = setTimeout(() => {
      // A slow disk is not the client's fault.
      if (isWaiting) this.#fail(registryErrors("registry.body-stalled", { seconds: idleMs / 1000 }));
      else timer.refresh();
    }, idleMs);
    try {
      for (let seen = -1; ;) {
        const chunk = this.#filled.shift();
        if (chunk !== undefined) {
          if (this.#filled.length <= AHEAD / 2) this.#goOn();
          isWaiting = false;
          yield chunk;
          isWaiting = true;
          timer.refresh();
          continue;
        }
        if (this.#received === this.#sizeBytes) return;
        if (this.#error !== undefined) throw this.#error;
        if (seen !== this.#received) timer.refresh();
        seen = this.#received;
        await this.#more();
      }
    } finally {
      clearTimeout(timer);
      this.#leave();
    }
  }

  #more(): Promise<void> {
    this.#goOn();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #goOn(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#reader?.resume();
  }

  #takeOver(): void {
    const { socket } = this.#req;
    // A listener of our own makes node:http's parser let the handle go; without any the parser is fed nothing more.
    socket.on("data", () => undefined);
    socket.removeAllListeners("data");
    socket.pause();
    socket.once("close", () => this.#fail(brokenConnection()));
    for (let early: unknown = this.#req.read(); early instanceof Uint8Array; early = this.#req.read())
      this.#copy(early);
    if (this.#received === this.#sizeBytes) return;
    const onread = {
      buffer: () => this.#buffer.subarray(this.#fill),
      callback: (sizeBytes: number) => this.#came(sizeBytes),
    };
    const reader = new Socket({ handle: this.#handle, onread } as ConstructorParameters<typeof Socket>[0]);
    this.#reader = reader;
    reader.on("error", (error) => this.#fail(error));
    reader.once("close", () => this.#fail(brokenConnection()));
    reader.resume();
  }

  #copy(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.byteLength;) {
      const part = bytes.subarray(from, from + this.#buffer.length - this.#fill);
      this.#buffer.set(part, this.#fill);
      from += part.byteLength;
      this.#came(part.byteLength);
    }
  }

  /** Says whether to read on. */
  #came(sizeBytes: number): boolean {
    if (this.#isLeft || this.#error !== undefined) return (this.#drained += sizeBytes) < DRAIN_BYTES;
    // Bytes past the announced length belong to nothing.
    const taken = Math.min(sizeBytes, this.#sizeBytes - this.#received);
    this.#received += taken;
    this.#fill += taken;
    const isAll = this.#received === this.#sizeBytes;
    if (isAll) this.#req.complete = true;
    if (isAll || this.#fill === this.#buffer.length) {
      this.#filled.push(this.#buffer.subarray(0, this.#fill));
      this.#buffer = this.#options.shelf.take();
      this.#fill = 0;
    }
    this.#wakeUp();
    this.#isStopped = isAll || this.#filled.length >= AHEAD;
    return !this.#isStopped;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    if (wake === undefined || (this.#filled.length === 0 && this.#error === undefined)) return;
    this.#wake = undefined;
    wake();
  }

  /** What came until then is handed out first. */
  #fail(error: Error): void {
    if (this.#error !== undefined || this.#received === this.#sizeBytes || this.#isLeft) return;
    this.#error = error;
    // A copy: the socket may still write behind it.
    if (this.#fill > 0) this.#filled.push(Buffer.from(this.#buffer.subarray(0, this.#fill)));
    this.#wakeUp();
  }

  /** The buffer in use is not given back: the socket was told of it, and may still write there. */
  #leave(): void {
    this.#isLeft = true;
    if (this.#error !== undefined) this.#req.destroy(this.#error);
    else if (this.#received < this.#sizeBytes) this.#reader?.resume();
  }
}

function brokenConnection(): Error {
  return Object.assign(new Error("the connection ended before the body"), { code: "ECONNRESET" });
}
