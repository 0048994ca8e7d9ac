// Requests of clients of the older revisions: what a server of 2026-07-28 asks with a result is asked of them with requests.
import { randomUUID } from "node:crypto";
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { Answer, Exchange, InputRequest } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { RouterPort } from "../exchange/router-port.ts";
import type { Caller } from "../front/caller.ts";
import { INPUT_LIMIT, ROUND_LIMIT } from "../front/front-limits.ts";
import { CODE } from "../front/protocol.ts";
import { isInputMethod } from "./client-abilities.ts";
import { toLegacyInput } from "./input-forms.ts";

/**
 * Asks and sends the request again until the server has all it needs.
 * `again` makes the exchange of a retry out of its params.
 * @throws McpError, PratiqueError
 */
export async function answerLegacy(
  router: RouterPort,
  caller: Caller,
  first: Exchange,
  again: (params: JsonObject) => Exchange,
): Promise<Answer> {
  let exchange = first;
  for (let round = 0; round <= ROUND_LIMIT; round += 1) {
    const answer = await router.answer(caller, exchange);
    const { resultType, ...members } = answer;
    if (resultType === undefined) return answer;
    if (resultType !== "input_required") return resultType === "complete" ? members : answer;
    const { requestState } = answer;
    const inputResponses = await answersTo(answer["inputRequests"], exchange);
    exchange = again({
      ...first.params,
      ...(inputResponses === undefined ? {} : { inputResponses }),
      ...(requestState === undefined ? {} : { requestState }),
    });
  }
  throw new McpError(CODE.internal, "the server asks again and again");
}

/** A client that refuses with an error, as it may a sampling, ends the request: a retry can carry results only. */
async function answersTo(inputs: unknown, exchange: Exchange): Promise<JsonObject | undefined> {
  if (inputs === undefined) return undefined;
  const questions = isJsonObject(inputs) ? Object.entries(inputs) : [];
  if (questions.length > INPUT_LIMIT) throw new McpError(CODE.internal, "the server asks too much at a time");
  const answers = await Promise.all(
    questions.map(async ([key, value]): Promise<readonly [string, JsonObject]> => {
      const input = inputOf(value);
      if (input === undefined) throw new McpError(CODE.internal, "the server asks what no client is asked");
      return [key, await exchange.ask(toLegacyInput(input, randomUUID))];
    }),
  );
  return Object.fromEntries(answers);
}

function inputOf(value: unknown): InputRequest | undefined {
  if (!isJsonObject(value) || !isInputMethod(value["method"])) return undefined;
  const { method, params = {} } = value;
  return isJsonObject(params) ? { method, params } : undefined;
}
