// POST /v1/chat/completions: one act, decided before the model sees anything, recorded before the client has it all.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { isPratiqueError, parseJson, readBounded, type JsonObject } from "@pratique/core";
import { z } from "zod";
import { answerError, type AnswerSource } from "./answer-error.ts";
import { passStream, type StreamCounts } from "./answer-stream.ts";
import { AnswerPart, ChatRequest, LOCAL_FIELDS } from "./chat-request.schema.ts";
import { inferenceErrors } from "./errors.ts";
import type { ModelPool } from "./model-pool.ts";
import { modelResource, type Route } from "./route.ts";
import { requestUpstream } from "./upstream.ts";

export const MAX_BODY_BYTES = 10 * 1024 * 1024;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

export interface CompletionOptions {
  readonly guard: Guard;
  readonly pool: ModelPool;
  readonly principal: Principal;
  readonly upstreamTimeoutMs: number;
  /** The route of a model name. @throws `model.not-found` */
  route(model: string): Promise<Route>;
}

async function readRequest(req: IncomingMessage): Promise<ChatRequest> {
  const text = (await readBounded(req, MAX_BODY_BYTES, "the request")).toString("utf8");
  const parsed = ChatRequest.safeParse(parseJson(text, "the request"));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const detail = issue === undefined ? "it has another shape" : `${z.core.toDotPath(issue.path)}: ${issue.message}`;
  throw inferenceErrors("completion.invalid", { detail });
}

/** The body for where it goes. Usage is always asked for: the record needs it. */
export function bodyFor(route: Route, request: ChatRequest): Buffer {
  const usage = request.stream === true ? { stream_options: { ...request.stream_options, include_usage: true } } : {};
  if (route.type === "upstream") return Buffer.from(JSON.stringify({ ...request, ...usage, model: route.model }));
  const fields = LOCAL_FIELDS.flatMap((key) =>
    request[key] === undefined || request[key] === null ? [] : [[key, request[key]]],
  );
  return Buffer.from(JSON.stringify({ ...Object.fromEntries(fields), ...usage, model: route.model.reference }));
}

interface Sent {
  readonly answer: IncomingMessage;
  readonly source: AnswerSource;
  release(): void;
}

async function send(options: CompletionOptions, route: Route, body: Buffer, signal: AbortSignal): Promise<Sent> {
  if (route.type === "upstream") {
    const answer = await requestUpstream(route, { body, signal, timeoutMs: options.upstreamTimeoutMs });
    return { answer, source: { type: "upstream", name: route.name, apiKey: route.apiKey }, release: () => undefined };
  }
  const lease = await options.pool.lease(route.model);
  const source: AnswerSource = { type: "local", name: route.model.reference };
  try {
    const headers = { "content-type": "application/json" };
    const answer = await lease.running.request({ method: "POST", path: "/v1/chat/completions", headers, body, signal });
    return { answer, source, release: lease.release };
  } catch (cause) {
    lease.release();
    if (signal.aborted) throw cause;
    throw inferenceErrors("engine.stopped", { model: source.name }, { cause });
  }
}

/** What is left to send once the record is durable. */
type Remainder = { readonly type: "json"; readonly body: Buffer } | { readonly type: "stream"; readonly end: Buffer };

async function readAnswer(sent: Sent, counts: StreamCounts): Promise<Remainder> {
  let body: Buffer;
  try {
    body = await readBounded(sent.answer, MAX_ANSWER_BYTES, "the answer");
  } catch (cause) {
    if (sent.source.type === "local") throw inferenceErrors("engine.stopped", { model: sent.source.name }, { cause });
    throw inferenceErrors(
      "upstream.failed",
      { name: sent.source.name, status: 200, detail: "its answer broke off" },
      { cause },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    value = undefined;
  }
  const parsed = AnswerPart.safeParse(value);
  if (!parsed.success || parsed.data.choices === undefined)
    throw answerError(sent.source, 502, "its answer is no chat completion");
  counts.promptTokens = parsed.data.usage?.prompt_tokens;
  counts.completionTokens = parsed.data.usage?.completion_tokens;
  return { type: "json", body };
}

async function answerOf(
  sent: Sent,
  request: ChatRequest,
  res: ServerResponse,
  counts: StreamCounts,
): Promise<Remainder> {
  const status = sent.answer.statusCode ?? 502;
  if (status !== 200) {
    const text = await readBounded(sent.answer, MAX_ERROR_BYTES).then(
      (bytes) => bytes.toString("utf8"),
      () => "",
    );
    throw answerError(sent.source, status, text);
  }
  if (request.stream !== true) return readAnswer(sent, counts);
  res.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  res.flushHeaders();
  const includeUsage = request.stream_options?.include_usage === true;
  return { type: "stream", end: await passStream(sent.answer, res, { source: sent.source, includeUsage, counts }) };
}

function details(route: Route, request: ChatRequest, counts: StreamCounts): JsonObject {
  return {
    promptTokens: counts.promptTokens ?? null,
    // An answer that broke off told no usage: the events that went out are the least that was generated.
    completionTokens: counts.completionTokens ?? (counts.events > 0 ? counts.events : null),
    stream: request.stream === true,
    route: route.type === "local" ? "local" : `upstream:${route.name}`,
  };
}

/** Serves one completion. Throws before anything was sent, or after it has destroyed a broken stream. */
export async function serveCompletion(
  req: IncomingMessage,
  res: ServerResponse,
  options: CompletionOptions,
): Promise<void> {
  const request = await readRequest(req);
  const route = await options.route(request.model);
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  const outcome = await options.guard.perform(
    {
      principal: options.principal,
      action: "model:invoke",
      resource: modelResource(request.model, route),
      ...runOf(options.principal),
    },
    async (_decision, note) => {
      const counts: StreamCounts = { promptTokens: undefined, completionTokens: undefined, events: 0 };
      let sent: Sent | undefined;
      try {
        sent = await send(options, route, bodyFor(route, request), gone.signal);
        return await answerOf(sent, request, res, counts);
      } catch (cause) {
        if (gone.signal.aborted && !isPratiqueError(cause, "completion.cancelled"))
          throw inferenceErrors("completion.cancelled", {}, { cause });
        throw cause;
      } finally {
        note(details(route, request, counts));
        sent?.answer.destroy();
        sent?.release();
      }
    },
  );
  const rest = allowedOrThrow(outcome);
  if (rest.type === "stream") return void res.end(rest.end);
  res.writeHead(200, { "content-type": "application/json", "content-length": rest.body.length });
  res.end(rest.body);
}

function runOf(principal: Principal): { run?: string } {
  return principal.type === "Workload" && principal.run !== undefined ? { run: principal.run } : {};
}
