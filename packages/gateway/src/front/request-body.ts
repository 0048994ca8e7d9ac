// The body of a POST: bounded in size, depth and time, and parsed once.
import type { IncomingMessage } from "node:http";
import { coreErrors, parseJson } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { DEPTH_LIMIT, REQUEST_LIMIT_BYTES } from "../limits.ts";
import { BODY_TIMEOUT_MS } from "./front-limits.ts";

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/** @throws `gateway.unsupported-type`, `input.too-large`, `input.not-json`, `gateway.bad-request`, `gateway.slow-request` */
export async function readBody(req: IncomingMessage): Promise<unknown> {
  // A form of a web page can send text/plain without asking, and never application/json.
  if (!JSON_TYPE.test(req.headers["content-type"] ?? "")) throw gatewayErrors("gateway.unsupported-type");
  if (Number(req.headers["content-length"] ?? 0) > REQUEST_LIMIT_BYTES) throw tooLarge();
  const body = parseJson((await bytesOf(req)).toString("utf8"), "the request");
  if (!isShallow(body, 0)) throw gatewayErrors("gateway.bad-request", { reason: "the request nests too deep" });
  return body;
}

function bytesOf(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // Most bodies come with their head: the clock is started for those that do not.
    let deadline: NodeJS.Timeout | undefined;
    const starting = setImmediate(() => {
      deadline = setTimeout(() => settle(gatewayErrors("gateway.slow-request")), BODY_TIMEOUT_MS).unref();
    });
    const settle = (error?: Error): void => {
      clearImmediate(starting);
      clearTimeout(deadline);
      req.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      if (error === undefined) return resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
      req.pause();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > REQUEST_LIMIT_BYTES) return settle(tooLarge());
      chunks.push(chunk);
    };
    const onEnd = (): void => settle();
    const onClose = (): void =>
      settle(gatewayErrors("gateway.bad-request", { reason: "the request was not sent whole" }));
    req.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}

function tooLarge(): Error {
  return coreErrors("input.too-large", { what: "the request", limitBytes: REQUEST_LIMIT_BYTES });
}

/** JSON.parse does not mind depth, but what walks or writes the value would. */
export function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth >= DEPTH_LIMIT) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isShallow(item, depth + 1)) return false;
    return true;
  }
  for (const key in value) if (!isShallow((value as Record<string, unknown>)[key], depth + 1)) return false;
  return true;
}
