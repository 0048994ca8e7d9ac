// Server-sent events on their way out (HTML, "Server-sent events", §9.2).
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { SentEvent } from "./operation.ts";

/** A reader that is gone is noticed after so long, and proxies do not close what seems dead. */
const BEAT_MS = 15_000;

/** Sends each as it comes; ends when there are no more or the reader is gone. */
export async function sendEvents(res: ServerResponse, events: AsyncIterable<unknown>): Promise<void> {
  res.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  // The first bytes tell the reader that it is connected.
  res.write(": events\n\n");
  const beat = setInterval(() => void res.write(":\n\n"), BEAT_MS).unref();
  try {
    for await (const event of events) {
      // Made by `events` operations only.
      const { id, type, data } = event as SentEvent;
      const isTaken = res.write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      if (!isTaken) await Promise.race([once(res, "drain"), once(res, "close")]);
    }
  } finally {
    clearInterval(beat);
    res.end();
  }
}
