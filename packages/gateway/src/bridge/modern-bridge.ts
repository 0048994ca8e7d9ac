// Requests of clients of 2026-07-28, whatever revision the server speaks: questions become `input_required`, and retries go on.
import { isJsonObject, type JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import type { Answer } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { RouterPort } from "../exchange/router-port.ts";
import type { Caller } from "../front/caller.ts";
import { ROUND_LIMIT } from "../front/front-limits.ts";
import { ASKABLE, CODE } from "../front/protocol.ts";
import { canVisit, capabilityNeeded, isInputResult, missingCapability } from "./client-abilities.ts";
import { elicitationsOf, loginNeeded, toModernInput } from "./input-forms.ts";
import { LiveCall, type LiveCallOptions } from "./live-call.ts";
import type { Outlet } from "./outlet.ts";
import type { ParkedCalls } from "./parked-calls.ts";
import type { RequestStates } from "./request-state.ts";

export interface ModernBridgeParts {
  readonly router: RouterPort;
  readonly states: RequestStates;
  readonly parked: ParkedCalls;
}

export class ModernBridge {
  readonly #router: RouterPort;
  readonly #states: RequestStates;
  readonly #parked: ParkedCalls;

  constructor({ router, states, parked }: ModernBridgeParts) {
    this.#router = router;
    this.#states = states;
    this.#parked = parked;
  }

  /** @throws McpError, PratiqueError */
  async answer(caller: Caller, request: LiveCallOptions, outlet: Outlet): Promise<Answer> {
    const { requestState } = request.params;
    if (requestState === undefined || !ASKABLE.has(request.method))
      return await this.#start(caller, request, request, outlet, 0);
    const content = this.#states.redeem(caller, request, requestState);
    if (content.kind === "parked") return await this.#resume(caller, request, content, outlet);
    if (content.kind === "server") {
      const params = { ...request.params, requestState: content.state };
      return await this.#start(caller, request, { ...request, params }, outlet, 0);
    }
    const { inputResponses: _responses, requestState: _state, ...params } = request.params;
    return await this.#start(caller, request, { ...request, params }, outlet, content.round);
  }

  /** `request` is what the client sent, `sent` what goes on. */
  #start(
    caller: Caller,
    request: LiveCallOptions,
    sent: LiveCallOptions,
    outlet: Outlet,
    round: number,
  ): Promise<Answer> {
    const call = new LiveCall(sent);
    const waiting = call.wait(outlet);
    call.follow(this.#router.answer(caller, call));
    return this.#next(caller, request, call, waiting, round);
  }

  async #next(
    caller: Caller,
    request: LiveCallOptions,
    call: LiveCall,
    waiting: ReturnType<LiveCall["wait"]>,
    round: number,
  ): Promise<Answer> {
    const outcome = await waiting;
    if (outcome.type === "asked") return this.#park(caller, request, call);
    if (outcome.type === "failed") return this.#failed(caller, request, call, outcome.error, round);
    const { answer } = outcome;
    if (answer["resultType"] === "input_required") return this.#wrap(caller, request, answer);
    // The server went without what its client could not give, and did not get through.
    if (call.missing !== undefined && answer["isError"] === true) throw capabilityNeeded(call.missing);
    return answer;
  }

  #failed(caller: Caller, request: LiveCallOptions, call: LiveCall, error: unknown, round: number): Answer {
    const login = loginNeeded(error);
    if (login !== undefined && canVisit(request.client) && ASKABLE.has(request.method))
      return this.#askAgain(caller, request, login, round);
    if (!(error instanceof McpError)) throw error;
    if (error.code === CODE.urlElicitation && ASKABLE.has(request.method))
      return this.#askAgain(caller, request, error, round);
    throw call.missing === undefined ? error : capabilityNeeded(call.missing);
  }

  /** 2025-11-25 says with an error which pages the person must visit before the request is sent again. */
  #askAgain(caller: Caller, request: LiveCallOptions, error: McpError, round: number): Answer {
    const inputs = elicitationsOf(error.data);
    const [first] = inputs;
    if (first === undefined || round >= ROUND_LIMIT) throw error;
    const missing = missingCapability(request.client.capabilities, first);
    if (missing !== undefined) throw capabilityNeeded(missing);
    return {
      resultType: "input_required",
      inputRequests: Object.fromEntries(inputs.map((input, index) => [`input-${index + 1}`, toModernInput(input)])),
      requestState: this.#states.issue(caller, request, { kind: "again", round: round + 1 }),
    };
  }

  /** The state of a server of this revision, in our seal. Without one there is nothing to protect. */
  #wrap(caller: Caller, request: LiveCallOptions, answer: Answer): Answer {
    const { requestState } = answer;
    if (typeof requestState !== "string" || !ASKABLE.has(request.method)) return answer;
    return { ...answer, requestState: this.#states.issue(caller, request, { kind: "server", state: requestState }) };
  }

  #park(caller: Caller, request: LiveCallOptions, call: LiveCall): Answer {
    call.round += 1;
    try {
      if (call.round > ROUND_LIMIT) throw new McpError(CODE.internal, "the server asks again and again");
      const id = this.#parked.park(call, caller);
      return {
        resultType: "input_required",
        inputRequests: Object.fromEntries(
          [...call.questions].map(([key, { request: input }]) => [key, toModernInput(input)]),
        ),
        requestState: this.#states.issue(caller, request, { kind: "parked", call: id }),
      };
    } catch (error) {
      call.abort();
      throw error;
    }
  }

  async #resume(
    caller: Caller,
    request: LiveCallOptions,
    state: { readonly call: string },
    outlet: Outlet,
  ): Promise<Answer> {
    const call = this.#parked.find(state.call);
    const results = resultsOf(call, request.params["inputResponses"]);
    this.#parked.leave(state.call);
    call.take(results);
    return await this.#next(caller, request, call, call.wait(outlet), 0);
  }
}

/** The answers to what was asked; what else there is goes nowhere, and what is missing is asked again. @throws `gateway.bad-input` */
function resultsOf(call: LiveCall, responses: unknown): Map<string, JsonObject> {
  const results = new Map<string, JsonObject>();
  if (!isJsonObject(responses)) return results;
  for (const [key, { request }] of call.questions) {
    if (!Object.hasOwn(responses, key)) continue;
    const result = responses[key];
    if (!isInputResult(request.method, result))
      throw gatewayErrors("gateway.bad-input", { key, method: request.method });
    results.set(key, result);
  }
  return results;
}
