// tools/call: decided, passed on, bounded, screened, recorded.
import { describeError, isJsonObject, isPratiqueError, type JsonObject } from "@pratique/core";
import type { AuditRecord, Decision } from "@pratique/contracts";
import { denialText } from "@pratique/guard";
import { waitingClient } from "../approvals/waiting-client.ts";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { principalKey, type Caller } from "../front/caller.ts";
import { recordedArguments } from "./arguments.ts";
import { textAt } from "./fit-entry.ts";
import { withShownUris } from "./links.ts";
import { fitError, guardedExchange, passResult, withParams } from "./pass-on.ts";
import { DECISION_META, isShallow } from "./passable.ts";
import { isLimit } from "./rates.ts";
import { personOf } from "./profile.ts";
import type { RouterParts } from "./router-parts.ts";
import type { Trace } from "./spans.ts";
import { relatedTask } from "./task-ids.ts";
import { unknownTool } from "./unknown-tool.ts";
import type { ToolOffer, View } from "./view.ts";

const INVALID_PARAMS = -32_602;
/** What servers answer with when they have no better code (JSON-RPC leaves it to them): for a model to read. */
const SERVER_ERROR = -32_000;

/** Facts of an inner call: the record of the call that it is a part of. */
export interface Within {
  readonly within?: string;
}

/** A denial and a server's failure are results with `isError`, since a model is to read them. @throws `gateway.unknown-tool` */
export async function callTool(
  caller: Caller,
  view: View,
  exchange: Exchange,
  parts: RouterParts,
  trace: Trace,
  { within }: Within = {},
): Promise<Answer> {
  const name = textAt(exchange.params, "name");
  if (name === undefined) throw new McpError(INVALID_PARAMS, "tools/call needs the name of a tool");
  const given = exchange.params["arguments"] ?? {};
  if (!isJsonObject(given) || !isShallow(given))
    throw new McpError(INVALID_PARAMS, "arguments are no object, or nest too deep");
  if (parts.own?.has(caller, name) === true) return await parts.callOwn(caller, view, exchange, trace);
  const offer = view.tools.byName.get(name) ?? (await offerOf(name, view, parts));
  if (offer === undefined) throw await unknownTool(name, view);
  return await callOffer(caller, view, offer, exchange, given, parts, trace, within);
}

async function offerOf(name: string, view: View, parts: RouterParts): Promise<ToolOffer | undefined> {
  await parts.views.ready(view, "tools");
  return view.tools.byName.get(name);
}

async function callOffer(
  caller: Caller,
  view: View,
  offer: ToolOffer,
  exchange: Exchange,
  given: JsonObject,
  parts: RouterParts,
  trace: Trace,
  within: string | undefined,
): Promise<Answer> {
  const { guard, screen, interceptors, log } = parts;
  const { member, own } = offer;
  const { definition } = member.place;
  const place = { server: member.name, what: own, profile: view.profile.name };
  trace.about({ tool: own, server: member.name });
  let sent: JsonObject = Object.keys(offer.pinned).length === 0 ? given : { ...given, ...offer.pinned };
  // What else is in the request: answers to questions of the server, `_meta`.
  let outer: JsonObject = outerParams(exchange.params);
  const notes: Record<string, JsonObject[string]> = {};
  if (within !== undefined) notes["within"] = within;
  // What must not be sent is an act all the same: it is decided and recorded, and fails.
  let refusal: unknown;
  try {
    await parts.rates.take({ caller, kind: "calls", server: member.name, tool: own });
    const screened = screen.value(sent, { direction: "to-server", ...place });
    const screenedOuter = screen.value(outer, { direction: "to-server", ...place });
    sent = screened.value;
    outer = screenedOuter.value;
    const redactions = [...screened.redactions, ...screenedOuter.redactions];
    if (redactions.length > 0) notes["argumentRedactions"] = redactions;
    if (interceptors?.concerns("tools/call", member.name) === true) {
      const params = { ...outer, name: own, arguments: sent };
      const changed = await interceptors.before(caller, withParams(exchange, params), member.name);
      Object.assign(notes, changed.notes);
      const { arguments: args = {} } = changed.params;
      if (isJsonObject(args)) sent = args;
    }
  } catch (error) {
    if (isLimit(error) && !parts.rates.isToRecord(error)) throw error;
    refusal = error ?? new Error("it was refused");
  }
  const args = recordedArguments(sent, parts.recordArguments, screen);
  Object.assign(notes, args.notes);
  const server = await member.place.resource();
  const act = parts.acts.upon(member.place, offer.resource(server), { caller, profile: view.profile }, "tool:call");
  try {
    const outcome = await guard.perform(
      act,
      async (_decision, note) => {
        note(notes);
        trace.noted(note);
        if (refusal !== undefined) throw refusal;
        const asked: string[] = [];
        const params = { ...outer, name: own, arguments: sent, ...trace.meta(outer) };
        const principal = personOf(caller.principal).id;
        const onAsk = (method: string) => void asked.push(method);
        const upward = guardedExchange(exchange, { params, principal }, place, parts, onAsk);
        let answer = await member.upstream.send(upward);
        if (interceptors?.concerns("tools/call", member.name) === true) {
          const after = await interceptors.after(caller, upward, member.name, answer);
          answer = after.answer;
          note(after.notes);
        }
        const passed = passResult(answer, place, parts);
        note(asked.length === 0 ? passed.notes : { ...passed.notes, asked });
        return passed.result;
      },
      waitingClient(caller, exchange, {
        arguments: sent,
        argumentsDigest: args.digest,
        facts: () => notes,
        // Nobody is asked to approve what will not be sent.
        isRefused: refusal !== undefined,
        screen,
      }),
    );
    const meta = decisionMeta(outcome.decision, outcome.record);
    trace.decided(outcome.decision, outcome.record);
    if (!outcome.allowed)
      return {
        content: [{ type: "text", text: denialText(outcome.decision, offer.publicName) }],
        isError: true,
        _meta: meta,
      };
    const result = withTaskIds(await withShownUris(outcome.value, member, view, parts), offer, caller, parts);
    return { ...result, _meta: { ...(isJsonObject(result["_meta"]) ? result["_meta"] : {}), ...meta } };
  } catch (error) {
    if (exchange.signal.aborted) throw error;
    log.warn("a tool call failed", { server: definition.name, tool: own, ...describeError(error) });
    trace.failed(error);
    if (error instanceof McpError) {
      const fit = fitError(error, screen, place);
      if (fit.code !== SERVER_ERROR) throw fit;
      return failure(`failed: the server answered ${fit.code}: ${fit.message}`);
    }
    if (!isPratiqueError(error) || error.status < 500) throw error;
    return failure(`failed: ${error.message}`);
  }
}

function outerParams(params: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(params).filter(([key]) => key !== "name" && key !== "arguments"));
}

function failure(text: string): Answer {
  return { content: [{ type: "text", text }], isError: true };
}

function withTaskIds(
  result: JsonObject,
  { member, own }: ToolOffer,
  caller: Caller,
  { taskIds }: RouterParts,
): JsonObject {
  const isTask = result["resultType"] === "task" || isJsonObject(result["task"]) || relatedTask(result) !== undefined;
  return isTask ? taskIds.sealIn(result, { server: member.name, tool: own }, principalKey(caller)) : result;
}

function decisionMeta({ allow, policies }: Decision, record: AuditRecord): JsonObject {
  const effect = allow ? "permit" : "forbid";
  const policy = policies.find((reason) => reason.effect === effect)?.id;
  return {
    [DECISION_META]: {
      allow,
      decision: allow ? "allow" : "deny",
      policies: policies.map(({ id }) => id),
      ...(policy === undefined ? {} : { policy }),
      record: record.id,
    },
  };
}
