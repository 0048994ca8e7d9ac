// The body of a request: bounded in size, given up when it stalls, never more read than is asked for.
import { coreErrors } from "@pratique/core";
import type { IncomingMessage, ServerResponse } from "node:http";
import { registryErrors } from "./errors.ts";

export interface BodyLimits {
  readonly idleMs: number;
  readonly limitBytes: number;
}

/** True when the request has (or may have) a body. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers["transfer-encoding"] !== undefined || announcedBytes(req) > 0;
}

/** `Content-Length`; 0 without one. */
export function announcedBytes(req: IncomingMessage): number {
  return Number(req.headers["content-length"] ?? 0);
}

/**
 * The chunks of a body. Stopping early leaves the connection open, so that an answer can still be sent.
 * @throws `input.too-large`, `registry.body-stalled`; an error of the connection when the client goes away
 */
export async function* readBody(req: IncomingMessage, limits: BodyLimits, what: string): AsyncGenerator<Buffer> {
  const tooLarge = (): Error => coreErrors("input.too-large", { what, limitBytes: limits.limitBytes });
  if (announcedBytes(req) > limits.limitBytes) throw tooLarge();
  let received = 0;
  let isWaiting = true;
  const timer = setTimeout(function onIdle() {
    // A slow disk is not the client's fault.
    if (isWaiting) req.destroy(registryErrors("registry.body-stalled", { seconds: limits.idleMs / 1000 }));
    else timer.refresh();
  }, limits.idleMs);
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      received += bytes.length;
      if (received > limits.limitBytes) throw tooLarge();
      isWaiting = false;
      yield bytes;
      isWaiting = true;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
}

const DRAIN_BYTES = 1024 * 1024;

/**
 * To be called before an answer that comes without the body having been read. A short rest is read away, so that the
 * connection can be used again; a long one is not waited for.
 */
export function leaveBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.complete || !hasBody(req)) return;
  const isShort = req.headers["transfer-encoding"] === undefined && announcedBytes(req) <= DRAIN_BYTES;
  if (isShort) {
    req.resume();
    return;
  }
  res.setHeader("Connection", "close");
  res.once("finish", () => {
    // Closing at once would make the kernel reset the connection before the client has read the answer.
    let left = DRAIN_BYTES;
    const timer = setTimeout(() => req.destroy(), 2000);
    timer.unref();
    req.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) req.destroy();
    });
    req.once("close", () => clearTimeout(timer));
  });
}
