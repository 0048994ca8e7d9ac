// The first words with a server: the newest revision first, then the handshake of the older ones.
// Revision 2026-07-28, basic/versioning §backward compatibility, basic/transports/stdio, streamable-http.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { McpError } from "../exchange/mcp-error.ts";
import type { ServerFacts } from "../exchange/upstream-port.ts";
import { PROBE_TIMEOUT_MS, START_TIMEOUT_MS } from "../limits.ts";
import type { Conversation } from "./conversation.ts";
import { modernHeaders, ownModernParams } from "./dialect.ts";
import { Abandoned } from "./flight.ts";
import { HttpRefusal } from "./http-refusal.ts";
import type { Memory } from "./memory.ts";
import {
  CODE,
  GATEWAY_CAPABILITIES,
  isModernCode,
  LEGACY_VERSIONS,
  META,
  MODERN_VERSIONS,
  NEWEST_LEGACY,
  NEWEST_MODERN,
} from "./protocol.ts";

export interface Greeting {
  readonly facts: ServerFacts;
}

export interface GreetOptions {
  readonly info: JsonObject;
  readonly signal: AbortSignal;
  /** Told as soon as it is known what is spoken, before anything else is said. */
  agree?(greeting: Greeting): void;
}

type Probe = Greeting | "legacy";

/** @throws LostRequest, McpError, HttpRefusal */
export async function greet(
  conversation: Conversation,
  options: GreetOptions & { readonly memory: Memory },
): Promise<Greeting> {
  const { memory } = options;
  if (memory.era === "legacy") {
    try {
      return await initialize(conversation, options);
    } catch (error) {
      // What was known of it may be true no more: next time it is asked again.
      memory.era = undefined;
      if (!isOfNewest(error)) throw error;
    }
  }
  const greeting = await greetAnew(conversation, options);
  memory.era = greeting.facts.era;
  return greeting;
}

/**
 * A server that is slow, or still starting, cannot be told from one that does not answer what it does not know: after a
 * while the older handshake is tried too, and the first that succeeds counts.
 */
async function greetAnew(conversation: Conversation, options: GreetOptions): Promise<Greeting> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(resolve, PROBE_TIMEOUT_MS, "late");
  const settled = new AbortController();
  const ending = { ...options, signal: AbortSignal.any([options.signal, settled.signal]) };
  try {
    const probing = discover(conversation, ending, START_TIMEOUT_MS);
    const probe = await Promise.race([probing, late]);
    if (probe === "legacy") return await initialize(conversation, options);
    if (probe !== "late") return probe;
    const handshake = initialize(conversation, ending);
    return await Promise.any([handshake, probing.then((found) => (found === "legacy" ? handshake : found))]);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    clearTimeout(timer);
    settled.abort();
  }
}

/** Asks for the newest revision; "legacy" when the answer shows a server that does not know it. */
async function discover(conversation: Conversation, options: GreetOptions, silenceMs: number): Promise<Probe> {
  let version = NEWEST_MODERN;
  for (let isRetried = false; ; isRetried = true) {
    const result = await answerOf(conversation, options, { version, silenceMs });
    if (result === "legacy") return "legacy";
    if (result instanceof Refused) {
      const known = MODERN_VERSIONS.find((candidate) => result.supported.includes(candidate));
      if (known !== undefined && !isRetried) version = known;
      else if (known === undefined && result.isLegacy) return "legacy";
      else throw result.error;
      continue;
    }
    const supported = versionsIn(result["supportedVersions"]);
    const agreed = supported === undefined ? undefined : MODERN_VERSIONS.find((known) => supported.includes(known));
    return agreed === undefined ? "legacy" : told({ facts: modernFacts(result, agreed) }, options);
  }
}

/** Its result; or the versions that it would rather have; or that it does not understand. */
async function answerOf(
  conversation: Conversation,
  { info, signal }: GreetOptions,
  { version, silenceMs }: { readonly version: string; readonly silenceMs: number },
): Promise<JsonObject | "legacy" | Refused> {
  const method = "server/discover";
  try {
    return await conversation.ask({
      method,
      params: ownModernParams({}, version, info),
      headers: { ...modernHeaders(method, {}), "mcp-protocol-version": version },
      signal,
      silenceMs,
    });
  } catch (error) {
    if (error instanceof Abandoned && !signal.aborted) return "legacy";
    if (error instanceof HttpRefusal && error.isUnready) throw error;
    const answer = answered(error);
    if (answer?.code === CODE.unsupportedVersion)
      return new Refused(versionsIn(isJsonObject(answer.data) ? answer.data["supported"] : undefined) ?? [], error);
    if (answer !== undefined && !isModernCode(answer.code)) return "legacy";
    if (answer === undefined && error instanceof HttpRefusal) return "legacy";
    throw error;
  }
}

class Refused {
  readonly supported: readonly string[];
  readonly error: unknown;

  constructor(supported: readonly string[], error: unknown) {
    this.supported = supported;
    this.error = error;
  }

  get isLegacy(): boolean {
    return LEGACY_VERSIONS.some((version) => this.supported.includes(version));
  }
}

/** The handshake of revision 2025-11-25 and older. */
export async function initialize(conversation: Conversation, options: GreetOptions): Promise<Greeting> {
  const { info, signal } = options;
  const result = await conversation.ask({
    method: "initialize",
    params: () => ({ protocolVersion: NEWEST_LEGACY, capabilities: GATEWAY_CAPABILITIES, clientInfo: info }),
    signal,
    silenceMs: START_TIMEOUT_MS,
  });
  const version = result["protocolVersion"];
  if (typeof version !== "string" || !LEGACY_VERSIONS.includes(version))
    throw new Error(`it speaks a revision that is not known (${String(version).slice(0, 40)})`);
  const { serverInfo, capabilities, instructions } = result;
  const facts: ServerFacts = {
    era: "legacy",
    protocolVersion: version,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    info: isJsonObject(serverInfo) ? serverInfo : {},
    ...(typeof instructions === "string" ? { instructions } : {}),
  };
  const greeting = told({ facts }, options);
  await conversation.tell("notifications/initialized", {});
  return greeting;
}

function told(greeting: Greeting, { agree }: GreetOptions): Greeting {
  agree?.(greeting);
  return greeting;
}

function modernFacts(result: JsonObject, protocolVersion: string): ServerFacts {
  const { capabilities, instructions, _meta: meta, serverInfo } = result;
  const said = isJsonObject(meta) ? meta[META.server] : undefined;
  const info = isJsonObject(said) ? said : serverInfo;
  return {
    era: "modern",
    protocolVersion,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    info: isJsonObject(info) ? info : {},
    ...(typeof instructions === "string" ? { instructions } : {}),
  };
}

/** The JSON-RPC error that a failure is about, wherever it stood. */
function answered(error: unknown): { readonly code: number; readonly data: Json | undefined } | undefined {
  if (error instanceof McpError) return error;
  return error instanceof HttpRefusal ? error.answer?.error : undefined;
}

/** A server that was of an older revision and is of the newest now. */
function isOfNewest(error: unknown): boolean {
  const answer = answered(error);
  return answer !== undefined && isModernCode(answer.code);
}

function versionsIn(value: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((item: Json): item is string => typeof item === "string");
}
