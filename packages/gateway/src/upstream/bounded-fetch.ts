// fetch for a server over HTTP that may not send a message without end.
import type { FetchLike } from "@modelcontextprotocol/client";
import { MESSAGE_LIMIT_BYTES } from "../limits.ts";

const LF = 10;
const CR = 13;

/** A body, or of an event stream one event, that is larger than a message may be fails while it is read. */
export const boundedFetch: FetchLike = async (url, init) => {
  const response = await fetch(url, init);
  if (response.body === null) return response;
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const body = response.body.pipeThrough(isStream ? limitEvents() : limitBody());
  return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
};

function limitBody(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let size = 0;
  return limit((chunk) => (size += chunk.length));
}

/** An event ends with an empty line. */
function limitEvents(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let [size, lineLength] = [0, 0];
  return limit((chunk) => {
    let largest = 0;
    for (const byte of chunk) {
      size += 1;
      if (size > largest) largest = size;
      if (byte === LF && lineLength === 0) size = 0;
      if (byte === LF) lineLength = 0;
      else if (byte !== CR) lineLength += 1;
    }
    return largest;
  });
}

function limit(
  measure: (chunk: Uint8Array<ArrayBuffer>) => number,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(chunk, controller) {
      if (measure(chunk) > MESSAGE_LIMIT_BYTES)
        throw new Error(`a message is larger than the ${MESSAGE_LIMIT_BYTES} bytes that are allowed`);
      controller.enqueue(chunk);
    },
  });
}
