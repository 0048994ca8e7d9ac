// Bodies of HTTP responses, never larger than a message may be.
import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { MESSAGE_LIMIT_BYTES } from "../limits.ts";

/** What an answer that is an error may explain. */
const EXPLANATION_LIMIT_BYTES = 64 * 1024;

/** Longer a body that nobody wants is not read for the sake of its connection. */
const DISCARD_MS = 1000;

/** Reads what nobody wants, so that its connection can serve again; what is large or slow ends with it. */
export function discard(response: IncomingMessage): void {
  let sizeBytes = 0;
  const late = setTimeout(() => response.destroy(), DISCARD_MS).unref();
  response.on("error", () => undefined);
  response.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > EXPLANATION_LIMIT_BYTES) response.destroy();
  });
  response.once("close", () => clearTimeout(late));
}

/** The whole body. @throws when it is too large, or breaks off */
export function readText(response: IncomingMessage, limitBytes = MESSAGE_LIMIT_BYTES): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    if (response.destroyed) reject(new Error("the answer broke off"));
    response.on("data", (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) {
        reject(new Error(`a message is larger than the ${limitBytes} bytes that are allowed`));
        response.destroy();
      } else chunks.push(chunk);
    });
    response.once("end", () =>
      resolve((chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)).toString("utf8")),
    );
    response.on("error", reject);
    // An error takes its stack along, which costs more than all the rest of a call.
    response.once("close", () => {
      if (!response.readableEnded) reject(new Error("the answer broke off"));
    });
  });
}

/** The body of an answer that is an error, as JSON; undefined when it is none. Never rejects. */
export async function readExplanation(response: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse(await readText(response, EXPLANATION_LIMIT_BYTES));
  } catch {
    return undefined;
  }
}

export interface StreamEvents {
  /** Its data, and its name when it is not `message`. */
  onEvent(data: string, name: string | undefined): void;
  onId(id: string): void;
  onRetry(milliseconds: number): void;
  /** Once, at its end; an error when it broke off or was cut. */
  onEnd(error: Error | undefined): void;
}

/** Reads an event stream (HTML §server-sent-events) until it ends. */
export function readEvents(response: IncomingMessage, { onEvent, onId, onRetry, onEnd }: StreamEvents): void {
  let isEnded = false;
  const end = (error: Error | undefined): void => {
    if (isEnded) return;
    isEnded = true;
    onEnd(error);
  };
  const parser = createParser({
    maxBufferSize: MESSAGE_LIMIT_BYTES,
    onEvent: ({ id, event, data }) => {
      if (id !== undefined) onId(id);
      if (data !== "") onEvent(data, event);
    },
    onRetry,
    onError: ({ type }) => {
      if (type !== "max-buffer-size-exceeded") return;
      end(new Error(`a message is larger than the ${MESSAGE_LIMIT_BYTES} bytes that are allowed`));
      response.destroy();
    },
  });
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    if (!isEnded) parser.feed(chunk);
  });
  response.once("end", () => {
    // Servers leave out the empty line after their last event, or end it with a CR that may be half of a line end.
    if (!isEnded) parser.feed("\n\n");
    end(undefined);
  });
  response.on("error", end);
  response.once("close", () => end(new Error("the stream broke off")));
}

export function isEventStream({ headers }: IncomingMessage): boolean {
  return headers["content-type"]?.toLowerCase().startsWith("text/event-stream") === true;
}
