// A body that lands in buffers of its reader: at the speed of a local network, a fresh buffer for every read is half the cost.
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Where bytes go as they come. */
export interface Landing {
  /** Where the next ones are to go; never empty. */
  room(): Uint8Array;
  /** So many came there. `pause`: no more until `resume`, although a few that were on their way may still come. */
  came(sizeBytes: number): "more" | "pause" | "enough";
}

/** What the socket is to put before the head of the answer is known; the rest of it is read by node:http. */
const HEAD_BYTES = 16 * 1024;

/**
 * The body of one answer on a connection of its own. node:http reads the head (and all of an answer that is not taken
 * over); the bytes after it go from the socket into the reader's buffers.
 */
export class BulkBody {
  readonly #head = Buffer.allocUnsafe(HEAD_BYTES);
  #socket: Socket | undefined;
  #landing: Landing | undefined;
  #leftBytes = 0;
  #isUsed = false;
  #end: ((error?: Error) => void) | undefined;

  /** For `net.connect` and `tls.connect`. */
  readonly onread = {
    buffer: (): Uint8Array => this.#landing?.room() ?? this.#head,
    callback: (sizeBytes: number, buffer: Uint8Array): boolean => {
      this.#isUsed = true;
      if (this.#landing === undefined) return this.#parse(buffer.subarray(0, sizeBytes));
      // The first read after the landing began still went where the one before it was told to.
      if (buffer === this.#head) return this.#copy(buffer.subarray(0, sizeBytes), this.#landing);
      return this.#came(sizeBytes, this.#landing);
    },
  };

  attach(socket: Socket): void {
    this.#socket = socket;
  }

  /** The parser keeps slices of what it is given. */
  #parse(bytes: Uint8Array): boolean {
    this.#socket?.emit("data", Buffer.from(bytes));
    return true;
  }

  /** Undefined when the body has to be read as a stream: its length is not known beforehand, or a proxy is between. */
  sizeBytes(answer: IncomingMessage): number | undefined {
    const { headers } = answer;
    const length = headers["content-length"];
    const isPlain = headers["transfer-encoding"] === undefined && headers["content-encoding"] === undefined;
    if (!this.#isUsed || !isPlain || length === undefined || !/^\d{1,15}$/.test(length)) return undefined;
    return Number(length);
  }

  /** Lands the body, and closes the connection. Rejects when that breaks before the body's end. */
  async land(answer: IncomingMessage, sizeBytes: number, landing: Landing): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) throw new TypeError("a body lands only from its own connection");
    this.#leftBytes = sizeBytes;
    answer.on("error", () => undefined);
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error));
      socket.once("close", () => reject(brokenConnection()));
    });
    try {
      this.#landEarly(answer, landing);
      if (this.#leftBytes > 0) {
        this.#landing = landing;
        socket.resume();
      }
      await ended;
    } finally {
      answer.destroy();
      socket.destroy();
    }
  }

  /** What node:http had read of the body before it was taken over. */
  #landEarly(answer: IncomingMessage, landing: Landing): void {
    for (let chunk: unknown = answer.read(); chunk instanceof Uint8Array; chunk = answer.read()) {
      this.#copy(chunk, landing);
    }
  }

  #copy(bytes: Uint8Array, landing: Landing): boolean {
    let wantsMore = true;
    for (let from = 0; from < bytes.byteLength && this.#leftBytes > 0;) {
      const room = landing.room();
      const part = bytes.subarray(from, from + room.byteLength);
      room.set(part);
      from += part.byteLength;
      wantsMore = this.#came(part.byteLength, landing);
    }
    return wantsMore && this.#leftBytes > 0;
  }

  #came(sizeBytes: number, landing: Landing): boolean {
    if (this.#leftBytes === 0) return false;
    // Bytes past the announced length belong to nothing.
    const taken = Math.min(sizeBytes, this.#leftBytes);
    this.#leftBytes -= taken;
    const wish = landing.came(taken);
    if (wish === "enough") this.#leftBytes = 0;
    if (this.#leftBytes === 0) this.#end?.();
    return this.#leftBytes > 0 && wish === "more";
  }

  /** After a landing said `pause`. */
  resume(): void {
    this.#socket?.resume();
  }
}

function brokenConnection(): Error {
  return Object.assign(new Error("the connection ended before the body"), { code: "ECONNRESET" });
}
