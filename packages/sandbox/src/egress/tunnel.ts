// Joins a connection of a sandbox with one to the outside, once the sandbox's first bytes ask for the host that was decided.
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { hostName, type HostPort } from "./allow-list.ts";
import { serverName } from "./server-name.ts";

export interface TunnelEnd {
  /** Bytes that left the sandbox, and that came in. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Why it was cut, when it was not ended by one of both sides. */
  readonly cut?: string;
}

const TLS_PORT = 443;
const IDLE_MS = 10 * 60 * 1000;
const FIRST_BYTES_MS = 30_000;
const HELLO_LIMIT = 80 * 1024;

/** Resolves when both are closed. Never rejects. */
export async function tunnel(inside: Duplex, outside: Socket, place: HostPort): Promise<TunnelEnd> {
  let cut: string | undefined;
  const stop = (reason: string): void => {
    cut ??= reason;
    inside.destroy();
    outside.destroy();
  };
  const closed = Promise.all([inside, outside].map(closedOf));
  outside.setTimeout(IDLE_MS, () => stop("idle"));
  inside.once("close", () => outside.destroy());
  outside.once("close", () => inside.destroy());
  // From outside there is nothing to check; some servers speak first.
  if (place.port !== TLS_PORT) outside.pipe(inside);
  const refusal = await firstBytes(inside, place);
  if (refusal !== undefined) stop(refusal);
  else {
    if (place.port === TLS_PORT) outside.pipe(inside);
    inside.pipe(outside);
  }
  await closed;
  return { bytesOut: outside.bytesWritten, bytesIn: outside.bytesRead, ...(cut === undefined ? {} : { cut }) };
}

/** Reads until it is clear whom the sandbox wants to speak with, and puts the bytes back. A text: why not. */
async function firstBytes(inside: Duplex, place: HostPort): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  const isDue = place.port === TLS_PORT;
  const timer = isDue ? setTimeout(() => inside.destroy(), FIRST_BYTES_MS) : undefined;
  try {
    for (;;) {
      const chunk = await nextChunk(inside);
      if (chunk === undefined) return undefined;
      chunks.push(chunk);
      size += chunk.length;
      const bytes = Buffer.concat(chunks);
      const found = serverName(bytes);
      if (found.type === "incomplete" && size < HELLO_LIMIT) continue;
      inside.unshift(bytes);
      if (found.type === "tls") return nameRefusal(found.name, place);
      return isDue || found.type === "incomplete" ? "no-tls" : undefined;
    }
  } finally {
    clearTimeout(timer);
  }
}

function nameRefusal(name: string | undefined, { host, port }: HostPort): string | undefined {
  if (name === undefined) return isIP(host) !== 0 || port !== TLS_PORT ? undefined : "no-server-name";
  return hostName(name) === host ? undefined : "server-name-mismatch";
}

/** Undefined at the end. */
async function nextChunk(stream: Duplex): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: unknown = stream.read();
    if (Buffer.isBuffer(chunk)) return chunk;
    if (stream.readableEnded || stream.destroyed) return undefined;
    await new Promise<void>((resolve) => {
      const on = (): void => {
        for (const event of ["readable", "end", "close"]) stream.off(event, on);
        resolve();
      };
      for (const event of ["readable", "end", "close"]) stream.on(event, on);
    });
  }
}

function closedOf(stream: Duplex): Promise<void> {
  return stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once("close", () => resolve()));
}
