// Requests that belong to one server by a name or a URI: decided on that server, then passed on.
import type { Action } from "@pratique/contracts";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { allowedOrThrow } from "@pratique/guard";
import { gatewayErrors } from "../errors.ts";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { Caller } from "../front/caller.ts";
import { textAt } from "./fit-entry.ts";
import { withShownUri, withShownUris } from "./links.ts";
import { fitError, guardedExchange, passResult, withParams } from "./pass-on.ts";
import { personOf } from "./profile.ts";
import type { RouterParts } from "./router-parts.ts";
import type { Trace } from "./spans.ts";
import { mayHaveResources, type Member, type PromptOffer, type View } from "./view.ts";

const INVALID_PARAMS = -32_602;

/** A request as a verb of the router has it. */
export interface Asked {
  readonly caller: Caller;
  readonly view: View;
  readonly exchange: Exchange;
  readonly parts: RouterParts;
  readonly trace: Trace;
}

/** What a request to one server is decided upon, and what its record says. */
export interface Act {
  readonly action: Action;
  /** Where it is not the one that the action stands for. */
  readonly method?: string;
  readonly what: string;
  readonly details: JsonObject;
}

/** resources/read, and what else goes by a URI. @throws `gateway.unknown-resource`, `policy.denied` */
export async function readResource(asked: Asked): Promise<Answer> {
  const { view, exchange, parts, trace } = asked;
  const { method } = exchange;
  const uri = textOf(exchange, "uri");
  trace.about({ uri });
  const { member, uri: own } = await memberOf(uri, view, parts);
  const act = {
    action: "resource:read" as const,
    ...(method === "resources/read" ? {} : { method }),
    what: own,
    details: { uri: own },
  };
  const result = await passOn(asked, member, { ...exchange.params, uri: own }, act);
  if (own === uri && view.uris.isSingle) return result;
  const shown = (said: string): string => (said === own ? uri : view.uris.shown(member.name, said));
  return {
    ...result,
    ...(result["contents"] === undefined ? {} : { contents: withShownUri(result["contents"], shown) }),
    ...(result["resources"] === undefined ? {} : { resources: withShownUri(result["resources"], shown) }),
  };
}

/** @throws `gateway.unknown-prompt`, `policy.denied` */
export async function getPrompt(asked: Asked): Promise<Answer> {
  const { view, exchange, parts, trace } = asked;
  const { member, own } = await promptOf(textOf(exchange, "name"), view, parts);
  trace.about({ prompt: own, server: member.name });
  const act = { action: "prompt:get" as const, what: own, details: { prompt: own } };
  const result = await passOn(asked, member, { ...exchange.params, name: own }, act);
  return await withShownUris(result, member, view, parts);
}

/** completion/complete: of an argument of a prompt, or of a variable of a template. */
export async function complete(asked: Asked): Promise<Answer> {
  const { view, exchange, parts } = asked;
  const { ref } = exchange.params;
  if (!isJsonObject(ref)) throw new McpError(INVALID_PARAMS, "completion/complete needs a ref");
  const method = exchange.method;
  if (ref["type"] === "ref/prompt") {
    const { member, own } = await promptOf(textAt(ref, "name") ?? "", view, parts);
    const act = { action: "prompt:get" as const, method, what: own, details: { prompt: own } };
    return await passOn(asked, member, { ...exchange.params, ref: { ...ref, name: own } }, act);
  }
  const template = textAt(ref, "uri");
  if (template === undefined) throw new McpError(INVALID_PARAMS, "the ref is neither a prompt nor a resource");
  const { member, uri } = await templateOf(template, view, parts);
  const act = { action: "resource:read" as const, method, what: uri, details: { uri } };
  return await passOn(asked, member, { ...exchange.params, ref: { ...ref, uri } }, act);
}

/** Decides, sends, screens, records. @throws `policy.denied`, McpError, whatever the server fails with */
export async function passOn(
  { caller, view, exchange, parts, trace }: Asked,
  member: Member,
  params: JsonObject,
  { action, method, what, details }: Act,
  resource?: (
    server: Awaited<ReturnType<Member["place"]["resource"]>>,
  ) => Awaited<ReturnType<Member["place"]["resource"]>>,
): Promise<Answer> {
  const { guard, screen, interceptors, acts, rates } = parts;
  const place = { server: member.name, what, profile: view.profile.name };
  trace.about({ server: member.name });
  let refusal: unknown;
  try {
    await rates.take({ caller, kind: "calls", server: member.name });
  } catch (error) {
    if (!rates.isToRecord(error)) throw error;
    refusal = error;
  }
  const server = await member.place.resource();
  const act = acts.upon(
    member.place,
    resource === undefined ? server : resource(server),
    { caller, profile: view.profile },
    action,
    method,
  );
  const outcome = await guard.perform(act, async (_decision, note) => {
    note(details);
    trace.noted(note);
    if (refusal !== undefined) throw refusal;
    // What still runs may be ended.
    if (exchange.method !== "tasks/cancel" && (await view.isHeldNow(member)))
      throw gatewayErrors("gateway.server-held", { server: member.name });
    const screened = screen.value(params, { direction: "to-server", ...place });
    if (screened.redactions.length > 0) note({ argumentRedactions: screened.redactions });
    let sent = screened.value;
    const isIntercepted = interceptors?.concerns(exchange.method, member.name) === true;
    if (isIntercepted && interceptors !== undefined) {
      const changed = await interceptors.before(caller, withParams(exchange, sent), member.name);
      note(changed.notes);
      sent = changed.params;
    }
    const change = { params: { ...sent, ...trace.meta(sent) }, principal: personOf(caller.principal).id };
    const upward = guardedExchange(exchange, change, place, parts);
    try {
      let answer = await member.upstream.send(upward);
      if (isIntercepted && interceptors !== undefined) {
        const after = await interceptors.after(caller, upward, member.name, answer);
        note(after.notes);
        answer = after.answer;
      }
      const { result, notes } = passResult(answer, place, parts);
      note(notes);
      return result;
    } catch (error) {
      throw error instanceof McpError ? fitError(error, screen, place) : error;
    }
  });
  trace.decided(outcome.decision, outcome.record);
  return privately(allowedOrThrow(outcome));
}

/** What was decided for one principal is not to be shared with others, whatever its server thinks of it. */
function privately(result: JsonObject): JsonObject {
  return result["cacheScope"] === undefined ? result : { ...result, cacheScope: "private" };
}

/** Whose a URI is. @throws `gateway.unknown-resource` */
export async function memberOf(
  uri: string,
  view: View,
  { views }: RouterParts,
): Promise<{ readonly member: Member; readonly uri: string }> {
  if (view.members.filter(mayHaveResources).length !== 1)
    await Promise.all([views.ready(view, "resources"), views.ready(view, "templates")]);
  const routed = view.uris.route(uri);
  const member = routed === undefined ? undefined : view.member(routed.server);
  if (member === undefined || routed === undefined)
    throw gatewayErrors("gateway.unknown-resource", { uri: uri.slice(0, 200) });
  return { member, uri: routed.uri };
}

async function templateOf(
  template: string,
  view: View,
  parts: RouterParts,
): Promise<{ readonly member: Member; readonly uri: string }> {
  const { views } = parts;
  await Promise.all([views.ready(view, "resources"), views.ready(view, "templates")]);
  const { uris } = view;
  const listed = view.listed("templates").find(({ member, own }) => uris.shownTemplate(member.name, own) === template);
  return listed === undefined ? await memberOf(template, view, parts) : { member: listed.member, uri: listed.own };
}

async function promptOf(name: string, view: View, { views }: RouterParts): Promise<PromptOffer> {
  const known = view.prompts.byName.get(name);
  if (known !== undefined) return known;
  await views.ready(view, "prompts");
  const found = view.prompts.byName.get(name);
  if (found === undefined) throw gatewayErrors("gateway.unknown-prompt", { name: name.slice(0, 100) });
  return found;
}

function textOf({ method, params }: Exchange, key: string): string {
  const text = textAt(params, key);
  if (text === undefined) throw new McpError(INVALID_PARAMS, `${method} needs ${key}`);
  return text;
}
