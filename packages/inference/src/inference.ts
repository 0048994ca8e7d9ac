// The OpenAI front at /v1: chat completions and the list of models.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, type Clock, type Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import { serveCompletion } from "./chat-completion.ts";
import type { Engine } from "./engine.ts";
import { inferenceErrors } from "./errors.ts";
import { ModelPool, type RunningStatus } from "./model-pool.ts";
import { openAiError, publicError, sendError, sendJson } from "./openai-error.ts";
import { modelResource, type Route } from "./route.ts";

export interface ModelListing {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
}

export interface InferenceOptions {
  readonly guard: Guard;
  /** The engine for local models, found when the first one is needed. */
  readonly engine: () => Promise<Engine>;
  resolve(model: string): Promise<Route | undefined>;
  list(): Promise<readonly ModelListing[]>;
  readonly runDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Context window of local models; their own when absent. */
  readonly contextTokens?: number | undefined;
  /** An unused local model is stopped after this long; 0 keeps it. Default 10 minutes. */
  readonly idleMs?: number;
  /** Most local models at a time. Default 3. */
  readonly maxModels?: number;
  /** Default 5 minutes. */
  readonly upstreamTimeoutMs?: number;
}

export interface HandleOptions {
  readonly principal: Principal | undefined;
  /** What follows `/v1`, e.g. `/chat/completions`. */
  readonly path: string;
}

export interface Inference {
  handle(req: IncomingMessage, res: ServerResponse, options: HandleOptions): Promise<void>;
  running(): RunningStatus[];
  close(): Promise<void>;
}

const MAX_NAMES_IN_ERROR = 20;

async function notFound(options: InferenceOptions, model: string): Promise<never> {
  const names = (await options.list()).slice(0, MAX_NAMES_IN_ERROR).map((listing) => listing.id);
  throw inferenceErrors("model.not-found", { model: model.slice(0, 200), names: names.join(", ") || "none" });
}

/** The models that the caller may invoke; asking is one act. */
async function allowedModels(options: InferenceOptions, principal: Principal, only?: string): Promise<ModelListing[]> {
  const listings = (await options.list()).filter((listing) => only === undefined || listing.id === only);
  const routed = await Promise.all(
    listings.map(async (listing) => ({ listing, route: await options.resolve(listing.id) })),
  );
  const known = routed.flatMap(({ listing, route }) => (route === undefined ? [] : [{ listing, route }]));
  const allowed = await options.guard.filter(
    { principal, action: "model:invoke", scope: { type: "System", id: "models" } },
    known,
    ({ listing, route }) => modelResource(listing.id, route),
  );
  return allowed.map(({ listing }) => listing);
}

function shown(listing: ModelListing): object {
  return { id: listing.id, object: "model", created: listing.created, owned_by: "pratique" };
}

async function serve(
  options: InferenceOptions,
  pool: ModelPool,
  req: IncomingMessage,
  res: ServerResponse,
  given: HandleOptions,
): Promise<void> {
  const path = given.path.replace(/^\/+/, "").split("?")[0] ?? "";
  const { principal } = given;
  // Before the body is read and without a record: whoever has no token fills neither the memory nor the log.
  if (principal === undefined) throw inferenceErrors("inference.unauthorized");
  if (req.method === "POST" && path === "chat/completions") {
    const route = async (model: string): Promise<Route> => (await options.resolve(model)) ?? notFound(options, model);
    const upstreamTimeoutMs = options.upstreamTimeoutMs ?? 300_000;
    return serveCompletion(req, res, { guard: options.guard, pool, principal, route, upstreamTimeoutMs });
  }
  if (req.method === "GET" && path === "models") {
    return sendJson(res, 200, { object: "list", data: (await allowedModels(options, principal)).map(shown) });
  }
  if (req.method === "GET" && path.startsWith("models/")) {
    const id = decodeId(path.slice("models/".length));
    const [listing] = await allowedModels(options, principal, id);
    return listing === undefined ? notFound(options, id) : sendJson(res, 200, shown(listing));
  }
  throw inferenceErrors("completion.unknown-path", { method: req.method ?? "GET", path: path.slice(0, 100) });
}

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Makes the front. It starts engines when they are needed and owns them until `close`. */
export function createInference(options: InferenceOptions): Inference {
  const pool = new ModelPool({
    engine: options.engine,
    runDirectory: options.runDirectory,
    clock: options.clock,
    log: options.log,
    contextTokens: options.contextTokens,
    idleMs: options.idleMs ?? 600_000,
    maxModels: options.maxModels ?? 3,
  });
  return {
    running: () => pool.status(),
    close: () => pool.close(),
    async handle(req, res, given) {
      try {
        await serve(options, pool, req, res, given);
      } catch (error) {
        if (isPratiqueError(error, "completion.cancelled")) return void res.destroy();
        if (!isPratiqueError(error)) options.log.error("inference failed", describeError(error));
        if (!res.headersSent) return sendError(res, error);
        // The stream has begun: its last event says what broke it, and `[DONE]` never comes.
        res.end(`data: ${JSON.stringify(openAiError(publicError(error)))}\n\n`);
      }
    },
  };
}
