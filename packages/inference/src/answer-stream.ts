// Passes an event stream on as it comes, counts its tokens, and keeps its end back until the record is durable.
import type { IncomingMessage, ServerResponse } from "node:http";
import { isPratiqueError } from "@pratique/core";
import { answerError, type AnswerSource } from "./answer-error.ts";
import { AnswerPart } from "./chat-request.schema.ts";
import { inferenceErrors } from "./errors.ts";
import { SseEvents } from "./sse-events.ts";

export interface StreamCounts {
  promptTokens: number | undefined;
  completionTokens: number | undefined;
  /** Events with content, for an answer that broke off before it told its usage. */
  events: number;
}

const DONE = "[DONE]";
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/** Waits until a response takes more, or is gone. */
export function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off("drain", done);
      res.off("close", done);
      resolve();
    };
    res.once("drain", done);
    res.once("close", done);
  });
}

function parseEvent(data: string): AnswerPart | undefined {
  try {
    return AnswerPart.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}

export interface PassStreamOptions {
  readonly source: AnswerSource;
  /** False drops the usage event that we asked for and the client did not. */
  readonly includeUsage: boolean;
  readonly counts: StreamCounts;
}

/**
 * Writes the events of `answer` to `res` up to the one that finishes it; returns the rest, which ends with `[DONE]`.
 * @throws what the stream's error event says, `engine.stopped` or `upstream.failed` when it ends too early
 */
export async function passStream(
  answer: IncomingMessage,
  res: ServerResponse,
  options: PassStreamOptions,
): Promise<Buffer> {
  const { source, counts, includeUsage } = options;
  const events = new SseEvents();
  const held: Buffer[] = [];
  let heldBytes = 0;
  let isFinishing = false;
  let isDone = false;
  const hold = (bytes: Buffer) => {
    held.push(bytes);
    heldBytes += bytes.length;
    if (heldBytes > MAX_HELD_BYTES) throw new RangeError("the end of the stream has no end");
  };
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      const now: Buffer[] = [];
      for (const event of events.push(chunk)) {
        if (event.data === DONE) {
          isDone = true;
          hold(event.bytes);
          continue;
        }
        const part = parseEvent(event.data);
        if (part?.error !== undefined) throw answerError(source, 500, event.data);
        if (part?.usage !== undefined && part.usage !== null) {
          counts.promptTokens = part.usage.prompt_tokens;
          counts.completionTokens = part.usage.completion_tokens;
          if (!includeUsage && (part.choices ?? []).length === 0) continue;
        }
        counts.events += 1;
        isFinishing ||= part?.choices?.some((choice) => typeof choice.finish_reason === "string") ?? false;
        if (isFinishing) hold(event.bytes);
        else now.push(event.bytes);
      }
      if (now.length > 0 && !res.write(Buffer.concat(now))) await drained(res);
    }
  } catch (cause) {
    if (isPratiqueError(cause)) throw cause;
    throw brokenStream(source, cause);
  }
  // `[DONE]` may be missing in the dialects of some upstreams; a reason to finish may not.
  if (!isFinishing || events.isCut) throw brokenStream(source, undefined);
  if (!isDone) held.push(Buffer.from(`data: ${DONE}\n\n`));
  return Buffer.concat(held);
}

function brokenStream(source: AnswerSource, cause: unknown) {
  if (source.type === "local") return inferenceErrors("engine.stopped", { model: source.name }, { cause });
  const detail = cause instanceof RangeError ? cause.message : "its stream broke off";
  return inferenceErrors("upstream.failed", { name: source.name, status: 200, detail }, { cause });
}
