// Asks others' code about each message, in order, and says in the record what it did.
import type { InterceptorConfig } from "@pratique/contracts";
import { canonicalJson, describeError, digestOf, type JsonObject, type Log } from "@pratique/core";
import { gatewayErrors } from "../../errors.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Interceptors } from "../../exchange/ports.ts";
import type { Caller } from "../../front/caller.ts";
import { questionText, readVerdict, type Question, type Transport, type Verdict } from "./interceptor.ts";

export interface Interceptor {
  readonly config: InterceptorConfig;
  readonly transport: Transport;
}

/** What a record says of one that did something. */
interface Note {
  readonly [key: string]: string;
  readonly name: string;
  readonly did: "changed" | "refused" | "failed";
}

type When = "before" | "after";
type Asked = Omit<Question, "version" | "when">;

export class InterceptorChain implements Interceptors {
  readonly #all: readonly Interceptor[];
  readonly #log: Log;

  constructor(all: readonly Interceptor[], log: Log) {
    this.#all = all;
    this.#log = log;
  }

  concerns(method: string, server: string): boolean {
    return this.#all.some(({ config }) => isAbout(config, method, server));
  }

  async before(caller: Caller, exchange: Exchange, server: string): Promise<{ params: JsonObject; notes: JsonObject }> {
    const asked = askedOf(caller, exchange, server);
    const { value, notes } = await this.#run("before", asked, exchange.params, exchange.signal);
    return { params: withSameTarget(value, exchange.params), notes };
  }

  async after(
    caller: Caller,
    exchange: Exchange,
    server: string,
    answer: JsonObject,
  ): Promise<{ answer: JsonObject; notes: JsonObject }> {
    const { value, notes } = await this.#run("after", askedOf(caller, exchange, server), answer, exchange.signal);
    return { answer: value, notes };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#all.map(({ transport }) => transport.close()));
  }

  async #run(
    when: When,
    asked: Asked,
    start: JsonObject,
    signal: AbortSignal,
  ): Promise<{ value: JsonObject; notes: JsonObject }> {
    let value = start;
    const notes: Note[] = [];
    // Whoever saw the request last sees its answer first.
    for (const one of when === "before" ? this.#all : this.#all.toReversed()) {
      if (!isConcerned(one.config, when, asked)) continue;
      const verdict = await this.#ask(one, when, asked, value, signal);
      if (verdict.action === "pass") continue;
      const { name } = one.config;
      if (verdict.action === "change") {
        notes.push({ name, did: "changed", from: textDigest(value), to: textDigest(verdict.value) });
        value = verdict.value;
      } else {
        notes.push({ name, did: "failed", reason: verdict.reason });
      }
    }
    const key = when === "before" ? "interceptedBefore" : "interceptedAfter";
    return { value, notes: notes.length === 0 ? {} : { [key]: notes } };
  }

  /** `refuse` is thrown; what comes back so has failed and lets the message pass. */
  async #ask(
    { config, transport }: Interceptor,
    when: When,
    asked: Asked,
    value: JsonObject,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const { name, timeoutMs, limitBytes, onFailure } = config;
    let verdict: Verdict;
    try {
      const question = questionText({ ...asked, when, ...(when === "before" ? { params: value } : { answer: value }) });
      if (Buffer.byteLength(question) > limitBytes) throw new Error(`the message is larger than ${limitBytes} bytes`);
      const both = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      verdict = readVerdict(await transport.ask(question, both), when);
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message.slice(0, 200) : "it failed";
      this.#log.warn("an interceptor failed", { interceptor: name, onFailure, ...describeError(error) });
      if (onFailure === "refuse") throw gatewayErrors("gateway.interceptor-failed", { interceptor: name, reason });
      return { action: "refuse", reason };
    }
    if (verdict.action !== "refuse") return verdict;
    const what = `${asked.method}${asked.tool === undefined ? "" : ` ${asked.tool}`}`;
    throw gatewayErrors("gateway.intercepted", { interceptor: name, what, reason: verdict.reason });
  }
}

function isAbout({ methods, servers }: InterceptorConfig, method: string, server: string): boolean {
  return methods.includes(method) && (servers === undefined || servers.includes(server));
}

function isConcerned(config: InterceptorConfig, when: When, { method, server, tool }: Asked): boolean {
  if (!config.when.includes(when) || !isAbout(config, method, server)) return false;
  return config.tools === undefined || (tool !== undefined && config.tools.includes(tool));
}

function askedOf({ principal }: Caller, { method, params }: Exchange, server: string): Asked {
  const { name } = params;
  const { type, id } = principal;
  return {
    method,
    server,
    ...(method === "tools/call" && typeof name === "string" ? { tool: name } : {}),
    principal: { type, id, ...("name" in principal ? { name: principal.name } : {}) },
    params,
  };
}

/** What was decided on is what is done: no other tool, prompt or resource than the one that policy was asked about. */
function withSameTarget(params: JsonObject, original: JsonObject): JsonObject {
  if (params === original) return params;
  const target: Record<string, JsonObject[string]> = {};
  for (const key of ["name", "uri", "ref"]) if (original[key] !== undefined) target[key] = original[key];
  return { ...params, ...target };
}

function textDigest(value: JsonObject): string {
  try {
    return digestOf(canonicalJson(value));
  } catch {
    return digestOf(JSON.stringify(value));
  }
}
