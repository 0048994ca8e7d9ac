// One span for each request, in the semantic conventions of OpenTelemetry for MCP, as a part of the client's trace
// (SEP-414). https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace as traces,
  type Attributes,
  type Context,
  type Meter,
  type Span,
  type TextMapPropagator,
  type Tracer as SpanTracer,
} from "@opentelemetry/api";
import type { AuditRecord, Decision } from "@pratique/contracts";
import { isJsonObject, isPratiqueError, redactText, type Clock, type JsonObject } from "@pratique/core";
import type { Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";

/** Where spans and figures go. */
export interface Telemetry {
  readonly tracer: SpanTracer;
  readonly meter: Meter;
  /** W3C trace context and baggage. */
  readonly propagator: TextMapPropagator;
}

const NOTHING: JsonObject = {};

/** What a request is about, once that is known. */
interface Target {
  readonly tool?: string;
  readonly prompt?: string;
  readonly uri?: string;
  readonly server?: string;
}

/** A request as it is traced. */
export interface Trace {
  about(target: Target): void;
  /** `{ _meta }` for the server, in which the trace goes on; empty when nothing is traced. */
  meta(params: JsonObject): JsonObject;
  /** Lets the record name the trace. */
  noted(note: (details: JsonObject) => void): void;
  decided(decision: Decision, record: AuditRecord): void;
  failed(error: unknown): void;
}

/** A trace that nobody keeps; what the client says of its own passes in `_meta` as it is. */
const UNTRACED: Trace = {
  about: () => undefined,
  meta: () => NOTHING,
  noted: () => undefined,
  decided: () => undefined,
  failed: () => undefined,
};

/** Runs the answering of a request within its span. */
export type Tracer = <T extends JsonObject>(exchange: Exchange, answer: (trace: Trace) => Promise<T>) => Promise<T>;

/** Without telemetry nothing is traced. */
export function createTracer(clock: Clock, telemetry: Telemetry | undefined): Tracer {
  if (telemetry === undefined) return (_exchange, answer) => answer(UNTRACED);
  const { tracer, meter, propagator } = telemetry;
  const duration = meter.createHistogram("mcp.server.operation.duration", {
    unit: "s",
    description: "How long requests of MCP clients took",
  });
  return async (exchange, answer) => {
    const { method, params, client, requestId, sessionId } = exchange;
    const attributes: Attributes = { "mcp.method.name": method, "mcp.protocol.version": client.protocolVersion };
    const meta = params["_meta"];
    const parent = isJsonObject(meta) ? propagator.extract(ROOT_CONTEXT, meta, defaultTextMapGetter) : ROOT_CONTEXT;
    const ids = {
      ...(requestId === undefined ? {} : { "jsonrpc.request.id": String(requestId) }),
      ...(sessionId === undefined ? {} : { "mcp.session.id": sessionId }),
    };
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes: { ...attributes, ...ids } }, parent);
    const startMs = clock.now().getTime();
    const one = new SpanTrace(span, method, traces.setSpan(parent, span), propagator, attributes);
    try {
      const result = await answer(one);
      if (result["isError"] === true) one.error("tool_error");
      return result;
    } catch (error) {
      one.failed(error);
      throw error;
    } finally {
      span.end();
      duration.record((clock.now().getTime() - startMs) / 1000, attributes);
    }
  };
}

class SpanTrace implements Trace {
  readonly #span: Span;
  readonly #method: string;
  readonly #context: Context;
  readonly #propagator: TextMapPropagator;
  /** Those of few values, which the figures have too. */
  readonly #attributes: Attributes;

  constructor(span: Span, method: string, context: Context, propagator: TextMapPropagator, attributes: Attributes) {
    this.#span = span;
    this.#method = method;
    this.#context = context;
    this.#propagator = propagator;
    this.#attributes = attributes;
  }

  about({ tool, prompt, uri, server }: Target): void {
    const target = tool ?? prompt;
    if (server !== undefined) this.#attributes["pratique.server"] = server;
    if (tool !== undefined) {
      this.#attributes["gen_ai.tool.name"] = tool;
      this.#attributes["gen_ai.operation.name"] = "execute_tool";
    }
    if (prompt !== undefined) this.#attributes["gen_ai.prompt.name"] = prompt;
    if (target !== undefined) this.#span.updateName(`${this.#method} ${target}`);
    this.#span.setAttributes({
      ...this.#attributes,
      ...(uri === undefined ? {} : { "mcp.resource.uri": redactText(uri) }),
    });
  }

  meta(params: JsonObject): JsonObject {
    const carrier: Record<string, string> = {};
    this.#propagator.inject(this.#context, carrier, defaultTextMapSetter);
    const meta = params["_meta"];
    return { _meta: { ...(isJsonObject(meta) ? meta : {}), ...carrier } };
  }

  noted(note: (details: JsonObject) => void): void {
    note({ trace: this.#span.spanContext().traceId });
  }

  decided({ allow, policies }: Decision, { id }: AuditRecord): void {
    this.#span.setAttributes({
      "pratique.record": id,
      "pratique.decision": allow ? "allow" : "deny",
      "pratique.policies": policies.map((policy) => policy.id),
    });
  }

  failed(error: unknown): void {
    if (error instanceof McpError) {
      this.#attributes["rpc.response.status_code"] = String(error.code);
      this.error(String(error.code), error.message);
    } else if (isPratiqueError(error)) this.error(error.code, error.message);
    else this.error("internal");
  }

  error(type: string, message?: string): void {
    this.#attributes["error.type"] = type;
    this.#span.setAttributes(this.#attributes);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  }
}
