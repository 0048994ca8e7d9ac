// One span for each request, in the semantic conventions of OpenTelemetry for MCP, as part of the client's trace.
// https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md
import {
  context,
  metrics,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace as traces,
  type Attributes,
  type Span,
} from "@opentelemetry/api";
import type { AuditRecord, Decision } from "@pratique/contracts";
import { isJsonObject, isPratiqueError, type Clock, type JsonObject } from "@pratique/core";
import type { Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";

const SCOPE = "pratique.gateway";
/** Where a trace is named in `_meta` (SEP-414). */
const TRACE_KEYS = ["traceparent", "tracestate", "baggage"] as const;
const NOTHING: JsonObject = {};

/** A request as it is traced. */
export interface Trace {
  /** What is asked for, once that is known. */
  about(target: {
    readonly tool?: string;
    readonly prompt?: string;
    readonly uri?: string;
    readonly server?: string;
  }): void;
  /** `{ _meta }` for the server, in which the trace goes on; empty when nothing is traced. */
  meta(params: JsonObject): JsonObject;
  /** Lets the record name the trace. */
  noted(note: (details: JsonObject) => void): void;
  decided(decision: Decision, record: AuditRecord): void;
  failed(error: unknown): void;
}

/** Runs the answering of a request within its span. */
export type Tracer = <T extends JsonObject>(exchange: Exchange, answer: (trace: Trace) => Promise<T>) => Promise<T>;

export function createTracer(clock: Clock): Tracer {
  const tracer = traces.getTracer(SCOPE);
  const duration = metrics
    .getMeter(SCOPE)
    .createHistogram("mcp.server.operation.duration", { unit: "s", description: "Duration of MCP requests" });
  return async (exchange, answer) => {
    const { method, params, client } = exchange;
    const attributes: Attributes = { "mcp.method.name": method, "mcp.protocol.version": client.protocolVersion };
    const parent = parentOf(params);
    const span = tracer.startSpan(
      method,
      {
        kind: SpanKind.SERVER,
        attributes: {
          ...attributes,
          ...(exchange.requestId === undefined ? {} : { "jsonrpc.request.id": String(exchange.requestId) }),
          ...(exchange.sessionId === undefined ? {} : { "mcp.session.id": exchange.sessionId }),
        },
      },
      parent,
    );
    const startMs = clock.now().getTime();
    const one = new SpanTrace(span, method, parent, attributes);
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

function parentOf(params: JsonObject): ReturnType<typeof context.active> {
  const meta = params["_meta"];
  if (!isJsonObject(meta) || typeof meta["traceparent"] !== "string") return context.active();
  return propagation.extract(context.active(), meta);
}

class SpanTrace implements Trace {
  readonly #span: Span;
  readonly #method: string;
  readonly #parent: ReturnType<typeof context.active>;
  readonly #attributes: Attributes;

  constructor(span: Span, method: string, parent: ReturnType<typeof context.active>, attributes: Attributes) {
    this.#span = span;
    this.#method = method;
    this.#parent = parent;
    this.#attributes = attributes;
  }

  about({ tool, prompt, uri, server }: Parameters<Trace["about"]>[0]): void {
    const target = tool ?? prompt;
    if (server !== undefined) this.#attributes["pratique.server"] = server;
    if (tool !== undefined) {
      this.#attributes["gen_ai.tool.name"] = tool;
      this.#attributes["gen_ai.operation.name"] = "execute_tool";
    }
    if (prompt !== undefined) this.#attributes["gen_ai.prompt.name"] = prompt;
    if (!this.#span.isRecording()) return;
    if (target !== undefined) this.#span.updateName(`${this.#method} ${target}`);
    this.#span.setAttributes({ ...this.#attributes, ...(uri === undefined ? {} : { "mcp.resource.uri": uri }) });
  }

  meta(params: JsonObject): JsonObject {
    if (!this.#span.isRecording()) return NOTHING;
    const carrier: Record<string, string> = {};
    propagation.inject(traces.setSpan(this.#parent, this.#span), carrier);
    const told = Object.fromEntries(
      TRACE_KEYS.flatMap((key) => (carrier[key] === undefined ? [] : [[key, carrier[key]]])),
    );
    const meta = params["_meta"];
    return { _meta: { ...(isJsonObject(meta) ? meta : {}), ...told } };
  }

  noted(note: (details: JsonObject) => void): void {
    if (this.#span.isRecording()) note({ trace: this.#span.spanContext().traceId });
  }

  decided({ allow, policies }: Decision, { id }: AuditRecord): void {
    if (!this.#span.isRecording()) return;
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
    if (!this.#span.isRecording()) return;
    this.#span.setAttributes(this.#attributes);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  }
}
