// Stands before a real registry: counts what is asked, and stalls, breaks or corrupts blobs on command.
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class RegistryFront {
  /** `GET /v2/…`, as they came. */
  readonly asked: string[] = [];
  /** `Range` of the blobs that were asked for. */
  readonly ranges: (string | undefined)[] = [];
  /** Blobs stop after so many bytes, until it is undefined again. */
  stallAfter: number | undefined;
  /** The last byte of the next blob is another. */
  corruptNext = false;
  readonly #target: URL;
  readonly #server: Server;
  #stalled: (() => void) | undefined;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((req, res) => this.#forward(req, res));
  }

  static async start(target: string, port = 0): Promise<RegistryFront> {
    const front = new RegistryFront(new URL(target));
    await new Promise<void>((resolve) => front.#server.listen(port, "127.0.0.1", resolve));
    return front;
  }

  get port(): number {
    const address = this.#server.address() as AddressInfo;
    return address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when a blob has stalled. */
  whenStalled(): Promise<void> {
    return new Promise((resolve) => (this.#stalled = resolve));
  }

  #forward(req: IncomingMessage, res: ServerResponse): void {
    this.asked.push(`${req.method} ${req.url}`);
    const isBlob = req.method === "GET" && /\/blobs\/sha256:/.test(req.url ?? "");
    if (isBlob) this.ranges.push(req.headers.range);
    const ahead = request(
      new URL(req.url ?? "/", this.#target),
      { method: req.method, headers: req.headers },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        if (isBlob) void this.#sendBlob(answer, res);
        else answer.pipe(res);
      },
    );
    ahead.on("error", () => res.destroy());
    req.pipe(ahead);
  }

  async #sendBlob(answer: IncomingMessage, res: ServerResponse): Promise<void> {
    const total = Number(answer.headers["content-length"]);
    const isCorrupt = this.corruptNext;
    this.corruptNext = false;
    let sent = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (isCorrupt && sent + chunk.length === total) chunk[chunk.length - 1]! ^= 1;
      if (this.stallAfter !== undefined && sent + chunk.length > this.stallAfter && total > this.stallAfter) {
        res.write(chunk.subarray(0, this.stallAfter - sent));
        this.#stalled?.();
        return;
      }
      sent += chunk.length;
      res.write(chunk);
    }
    res.end();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
