// MCP over the streams of a process that somebody else started: one JSON-RPC message a line.
import { MESSAGE_LIMIT_BYTES } from "../limits.ts";
import type { StdioPeer } from "../server-definition.ts";
import type { Flight } from "./flight.ts";
import type { Line, LineListener } from "./line.ts";
import { LostRequest, Misbehaviour } from "./lost-request.ts";

const LF = 10;
/** A process has ended and a child of its own holds its output open: so long its last words are waited for. */
const LAST_WORDS_MS = 200;
/** What waits for a process that does not read. */
const UNREAD_LIMIT_BYTES = 32 * 1024 * 1024;

/** Lines that are no JSON are skipped, since servers print to stdout by mistake; a message over the limit ends the connection. */
export class StdioLine implements Line {
  readonly #peer: StdioPeer;
  readonly #listener: LineListener;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #isClosed = false;
  #stopped: Promise<void> | undefined;

  constructor(peer: StdioPeer, listener: LineListener) {
    this.#peer = peer;
    this.#listener = listener;
    const { stdin, stdout, stderr, exited } = peer;
    const end = (): void => this.#end(new Error("it ended"));
    stdout.on("data", (chunk: Buffer) => this.#take(chunk));
    stdout.on("error", (error: Error) => this.#end(error));
    stdout.once("end", end);
    stdin.on("error", end);
    // Read, so that the process is not held up by it; nothing of it goes into our log, which a server must not write.
    stderr?.on("error", () => undefined).resume();
    const ended = (): void => void setTimeout(end, LAST_WORDS_MS).unref();
    void exited.then(ended, ended);
  }

  send(flight: Flight, text: string): void {
    const { stdin } = this.#peer;
    if (this.#isClosed || !stdin.writable) {
      flight.fail(new LostRequest("it has ended", { reached: false, endsConnection: true }));
      return;
    }
    if (stdin.writableLength > UNREAD_LIMIT_BYTES) {
      flight.fail(new Error("it does not read what is sent to it"));
      return;
    }
    stdin.write(`${text}\n`, (error) => {
      // A line whose end did not go through is not read by anybody.
      if (error) flight.fail(new LostRequest("it has ended", { reached: false, endsConnection: true }, error));
    });
  }

  say(text: string): Promise<void> {
    const { stdin } = this.#peer;
    return new Promise((resolve) => {
      if (this.#isClosed || !stdin.writable) resolve();
      else stdin.write(`${text}\n`, () => resolve());
    });
  }

  hangUp(): boolean {
    return false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#chunks = [];
    this.#stopped ??= this.#peer.stop();
    await this.#stopped;
  }

  #end(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.ended(error);
    void this.close();
  }

  #take(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1 && !this.#isClosed; end = chunk.indexOf(LF, start)) {
      this.#chunks.push(chunk.subarray(start, end));
      start = end + 1;
      this.#line();
    }
    if (this.#isClosed) return;
    const rest = chunk.subarray(start);
    this.#sizeBytes += rest.length;
    if (rest.length > 0) this.#chunks.push(rest);
    if (this.#sizeBytes <= MESSAGE_LIMIT_BYTES) return;
    this.#chunks = [];
    this.#end(new Misbehaviour(`a message is larger than the ${MESSAGE_LIMIT_BYTES} bytes that are allowed`));
  }

  #line(): void {
    const [first] = this.#chunks;
    const line = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#sizeBytes = 0;
    let value: unknown;
    try {
      value = JSON.parse(line.toString("utf8"));
    } catch {
      // Counted all the same: output without end is no server.
    }
    this.#listener.received(value, undefined);
  }
}
