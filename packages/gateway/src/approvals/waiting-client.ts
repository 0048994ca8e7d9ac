// A client that waits while a person is asked for approval: how it is told, and how its own person is asked.
import { isJsonObject, redactJson, type JsonObject } from "@pratique/core";
import type { Waiting } from "@pratique/guard";
import { missingCapability } from "../bridge/client-abilities.ts";
import type { Exchange, InputRequest } from "../exchange/exchange.ts";
import type { Screen } from "../exchange/ports.ts";
import type { Caller } from "../front/caller.ts";

export interface WaitingFor {
  /** As it will be sent to the server. */
  readonly arguments: JsonObject;
  /** Of those arguments. */
  readonly argumentsDigest?: () => string;
  /** For the record of a denial. */
  readonly facts?: () => JsonObject;
  /** It will not be sent, whatever a person says: nobody is asked. */
  readonly isRefused?: boolean;
  /** Takes out what nobody is to see. */
  readonly screen?: Screen;
}

/**
 * The client of a workload is the agent's own program: it never answers for a person, whatever it says it can
 * (ADR 0048). That of a person is asked with an elicitation form, where it takes one.
 */
export function waitingClient(caller: Caller, exchange: Exchange, about: WaitingFor): Waiting {
  const { arguments: args, isRefused = false, screen, ...rest } = about;
  let told = 0;
  return {
    ...rest,
    signal: isRefused ? AbortSignal.abort() : exchange.signal,
    shown: () => shownArguments(args, screen),
    ...(exchange.wantsProgress
      ? {
          // Progress must grow with each notification (MCP, "Progress").
          tell: (message) =>
            exchange.notify({ method: "notifications/progress", params: { progress: (told += 0.001), message } }),
        }
      : {}),
    ...(caller.principal.type === "User" && takesForms(exchange)
      ? { ask: (question) => askForApproval(exchange, question) }
      : {}),
  };
}

function takesForms({ client }: Exchange): boolean {
  return missingCapability(client.capabilities, formRequest("")) === undefined;
}

function formRequest(message: string): InputRequest {
  return {
    method: "elicitation/create",
    params: {
      mode: "form",
      message,
      requestedSchema: {
        type: "object",
        properties: { approve: { type: "boolean", title: "Approve", description: "Allow exactly this, once" } },
        required: ["approve"],
      },
    },
  };
}

/** Only an accepted form with a true in it is a yes; a form that was closed is no answer. */
async function askForApproval(exchange: Exchange, question: string): Promise<boolean | undefined> {
  const { action, content } = await exchange.ask(formRequest(question));
  if (action === "decline") return false;
  if (action !== "accept" || !isJsonObject(content)) return undefined;
  return content["approve"] === true;
}

function shownArguments(args: JsonObject, screen: Screen | undefined): JsonObject {
  const shown = redactJson(screen?.forRecord?.(args) ?? args);
  return isJsonObject(shown) ? shown : {};
}
