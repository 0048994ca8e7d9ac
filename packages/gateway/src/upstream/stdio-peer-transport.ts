// MCP over the streams of a process that somebody else started: one JSON-RPC message a line.
import { setImmediate } from "node:timers/promises";
import { ReadBuffer, serializeMessage, type JSONRPCMessage, type Transport } from "@modelcontextprotocol/client";
import type { StdioPeer } from "../server-definition.ts";
import { MESSAGE_LIMIT_BYTES } from "../limits.ts";

/** More than any honest call has of progress; a server that answers an answer with a question would keep us busy for ever. */
const UNASKED_LIMIT = 10_000;

/** Lines that are no JSON are skipped, since servers print to stdout by mistake; a message over the limit ends the connection. */
export class StdioPeerTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #peer: StdioPeer;
  readonly #buffer = new ReadBuffer({ maxBufferSize: MESSAGE_LIMIT_BYTES });
  #isClosed = false;
  #stopped: Promise<void> | undefined;
  #isDelivering = false;
  /** Requests, notifications and junk since we last asked for something. */
  #unasked = 0;

  constructor(peer: StdioPeer) {
    this.#peer = peer;
  }

  async start(): Promise<void> {
    const { stdin, stdout, stderr, exited } = this.#peer;
    stdout.on("data", (chunk: Buffer) => this.#take(chunk));
    stdout.on("error", (error: Error) => this.onerror?.(error));
    stdout.once("end", () => void this.close());
    stdin.on("error", (error: Error) => this.onerror?.(error));
    // Read, so that the process is not held up by it; nothing of it goes into our log, which a server must not write.
    stderr?.resume();
    void exited.then(
      () => this.close(),
      () => this.close(),
    );
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { stdin } = this.#peer;
    if (this.#isClosed || !stdin.writable) throw new Error("the server has ended");
    if ("method" in message) this.#unasked = 0;
    if (stdin.write(serializeMessage(message))) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        stdin.off("drain", settle).off("close", onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onClose = (): void => settle(new Error("the server has ended"));
      stdin.once("drain", settle).once("close", onClose);
    });
  }

  /** Resolves, however often it is called, when the process has been stopped. */
  async close(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#isClosed = true;
    this.#buffer.clear();
    const stopped = this.#peer.stop();
    this.onclose?.();
    await stopped;
  }

  #take(chunk: Buffer): void {
    if (this.#isClosed) return;
    try {
      this.#buffer.append(chunk);
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Chunks that come while messages are delivered are only appended: the running delivery finds them.
    if (!this.#isDelivering) void this.#deliver();
  }

  /**
   * One message after another. After a notification the event loop turns once, since the SDK handles it later than an
   * answer: progress that came in one chunk with the result would be lost otherwise.
   */
  async #deliver(): Promise<void> {
    this.#isDelivering = true;
    while (!this.#isClosed) {
      let message: JSONRPCMessage | null;
      try {
        message = this.#buffer.readMessage();
      } catch (error) {
        // JSON that is no JSON-RPC: the line is gone, the next may be good.
        this.#unasked += 1;
        this.onerror?.(toError(error));
        continue;
      }
      if (message === null) break;
      if ("method" in message) this.#unasked += 1;
      if (this.#unasked > UNASKED_LIMIT) {
        this.#fail(new Error("the server talks without end"));
        break;
      }
      this.onmessage?.(message);
      if ("method" in message) await setImmediate();
    }
    this.#isDelivering = false;
  }

  #fail(error: unknown): void {
    this.onerror?.(toError(error));
    void this.close();
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
