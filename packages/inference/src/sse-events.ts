// Cuts a byte stream into server-sent events, wherever the network cut it into chunks (HTML, server-sent events §9.2).

const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** An event as it came, and the text of its data lines. */
export interface SseEvent {
  readonly bytes: Buffer;
  readonly data: string;
}

/** Index just past the blank line that ends the first event, or -1. */
function endOfEvent(buffer: Buffer, from: number): number {
  const lf = buffer.indexOf("\n\n", from);
  const crlf = buffer.indexOf("\r\n\r\n", from);
  if (lf < 0 && crlf < 0) return -1;
  return crlf >= 0 && (lf < 0 || crlf < lf) ? crlf + 4 : lf + 2;
}

function dataOf(bytes: Buffer): string {
  return bytes
    .toString("utf8")
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(line[5] === " " ? 6 : 5))
    .join("\n");
}

/** Incremental reader of an event stream. */
export class SseEvents {
  #rest: Buffer = Buffer.alloc(0);
  /** Where the search goes on, so that a long event is not searched again for each chunk. */
  #searched = 0;

  /** The events that this chunk completes. @throws RangeError when one event has no end */
  push(chunk: Uint8Array): SseEvent[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const events: SseEvent[] = [];
    for (let end = endOfEvent(this.#rest, this.#searched); end >= 0; end = endOfEvent(this.#rest, 0)) {
      const bytes = this.#rest.subarray(0, end);
      events.push({ bytes, data: dataOf(bytes) });
      this.#rest = this.#rest.subarray(end);
    }
    this.#searched = Math.max(0, this.#rest.length - 3);
    if (this.#rest.length > MAX_EVENT_BYTES) throw new RangeError("an event of the stream has no end");
    return events;
  }

  /** True when the stream ended inside an event. */
  get isCut(): boolean {
    return this.#rest.toString("utf8").trim() !== "";
  }
}
