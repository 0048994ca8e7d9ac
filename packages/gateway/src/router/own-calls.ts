// Calls of tools that the gateway itself has. They are decided and recorded like any other; what they call is, too.
import { isJsonObject, uuidv7, type JsonObject } from "@pratique/core";
import { denialText, RepeatedAct } from "@pratique/guard";
import { runOf, type Caller } from "../front/caller.ts";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import { recordedArguments } from "./arguments.ts";
import { textAt } from "./fit-entry.ts";
import { toolEntries, visibleTools } from "./lists.ts";
import { passResult } from "./pass-on.ts";
import { DECISION_META } from "./passable.ts";
import type { RouterParts } from "./router-parts.ts";
import type { Trace } from "./spans.ts";
import { callTool } from "./tool-call.ts";
import type { View } from "./view.ts";

/** No server's tool is listed under these names. */
export const OWN_NAMES: ReadonlySet<string> = new Set(["find_tool", "call_tool", "run_code"]);

/** The gateway as the server of its own tools. They change nothing themselves. */
const OWN_SERVER = "pratique";

export class OwnCalls {
  readonly #parts: () => RouterParts;

  constructor(parts: () => RouterParts) {
    this.#parts = parts;
  }

  async call(caller: Caller, view: View, exchange: Exchange, trace: Trace): Promise<Answer> {
    const parts = this.#parts();
    const { own, guard, acts } = parts;
    const name = textAt(exchange.params, "name") ?? "";
    trace.about({ tool: name, server: OWN_SERVER });
    await parts.rates.take({ caller, kind: "calls", server: OWN_SERVER, tool: name });
    const given = exchange.params["arguments"] ?? {};
    const args = recordedArguments(isJsonObject(given) ? given : {}, parts.recordArguments, parts.screen);
    const { context } = acts.listing({ caller, profile: view.profile }, "tool:call", "tools/call");
    const act = new RepeatedAct({
      principal: caller.principal,
      action: "tool:call",
      resource: ownResource(name),
      context,
      ...runOf(caller),
    });
    const id = uuidv7(parts.clock);
    const outcome = await guard.perform(act, async (_decision, note) => {
      note({ ...args.notes, call: id });
      trace.noted(note);
      const offers = await visibleTools(caller, view, parts);
      const { items: offered } = await toolEntries(offers, view, parts);
      const answer = await own?.call(caller, exchange, {
        offered,
        serverOf: (shown) => view.tools.byName.get(shown)?.member.name,
        call: (inner, innerArgs, more = {}, ended) => {
          const part = partOf(exchange, { ...more, name: inner, arguments: innerArgs }, ended);
          return callTool(caller, view, part, withoutOwn(parts), trace, { within: id });
        },
      });
      const passed = passResult(answer ?? {}, { server: OWN_SERVER, what: name }, parts);
      note(passed.notes);
      return passed.result;
    });
    trace.decided(outcome.decision, outcome.record);
    const meta = { [DECISION_META]: { allow: outcome.allowed, record: outcome.record.id } };
    if (!outcome.allowed)
      return { content: [{ type: "text", text: denialText(outcome.decision, name) }], isError: true, _meta: meta };
    const said = outcome.value["_meta"];
    return { ...outcome.value, _meta: { ...(isJsonObject(said) ? said : {}), ...meta } };
  }
}

/** A call that belongs to this one. An exchange may be an object with methods of its own: it is not copied. */
function partOf(exchange: Exchange, params: JsonObject, ended?: AbortSignal): Exchange {
  return {
    method: exchange.method,
    params,
    headers: exchange.headers,
    client: exchange.client,
    ...(exchange.principal === undefined ? {} : { principal: exchange.principal }),
    signal: ended === undefined ? exchange.signal : AbortSignal.any([exchange.signal, ended]),
    wantsProgress: exchange.wantsProgress,
    notify: (notification) => exchange.notify(notification),
    ask: (request) => exchange.ask(request),
  };
}

/** What a tool of the gateway's own calls is a server's: none of them calls itself round and round. */
function withoutOwn(parts: RouterParts): RouterParts {
  return { ...parts, own: undefined };
}

function ownResource(name: string): { readonly type: "Tool"; readonly id: string; readonly attributes: JsonObject } {
  return {
    type: "Tool",
    id: `${OWN_SERVER}/${name}`,
    attributes: {
      name,
      server: OWN_SERVER,
      claimsReadOnly: true,
      claimsDestructive: false,
      claimsOpenWorld: false,
      readOnly: true,
      destructive: false,
      held: false,
      cleared: true,
      isolated: true,
    },
  };
}
