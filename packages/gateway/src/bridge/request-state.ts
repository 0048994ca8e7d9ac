// What a state is bound to: the principal, the request, and a time.
import { canonicalJson, digestOf, type Clock, type JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { principalKey, type Caller } from "../front/caller.ts";
import { STATE_TTL_MS } from "../front/front-limits.ts";
import type { StateSeal } from "./sealed-state.ts";

/**
 * server: the state of a server of revision 2026-07-28; whoever has the key can go on with it.
 * parked: a call that is held in this process. again: the request is to be sent anew once its client did what was asked.
 */
export type StateContent =
  | { readonly kind: "server"; readonly state: string }
  | { readonly kind: "parked"; readonly call: string }
  | { readonly kind: "again"; readonly round: number };

export interface AskedRequest {
  readonly method: string;
  readonly params: JsonObject;
}

export class RequestStates {
  readonly #seal: StateSeal;
  readonly #clock: Clock;

  constructor(seal: StateSeal, clock: Clock) {
    this.#seal = seal;
    this.#clock = clock;
  }

  issue(caller: Caller, request: AskedRequest, content: StateContent): string {
    const expires = this.#clock.now().getTime() + STATE_TTL_MS;
    return this.#seal.seal({ ...content, who: whoIs(caller), what: requestDigest(request), expires });
  }

  /** @throws `gateway.state-invalid`, `gateway.state-foreign`, `gateway.state-mismatch`, `gateway.state-expired` */
  redeem(caller: Caller, request: AskedRequest, sealed: unknown): StateContent {
    const state = this.#seal.open(sealed);
    const { who, what, expires } = state;
    if (who !== whoIs(caller)) throw gatewayErrors("gateway.state-foreign");
    if (what !== requestDigest(request)) throw gatewayErrors("gateway.state-mismatch");
    if (typeof expires !== "number" || expires <= this.#clock.now().getTime())
      throw gatewayErrors("gateway.state-expired");
    return contentOf(state);
  }
}

function contentOf(state: JsonObject): StateContent {
  const { kind, state: inner, call, round } = state;
  if (kind === "server" && typeof inner === "string") return { kind, state: inner };
  if (kind === "parked" && typeof call === "string") return { kind, call };
  if (kind === "again" && typeof round === "number") return { kind, round };
  throw gatewayErrors("gateway.state-invalid");
}

/** A profile is another endpoint: what was asked there was not asked here. */
function whoIs(caller: Caller): string {
  return JSON.stringify([principalKey(caller), caller.profile ?? ""]);
}

/** The same for a request and its retry, which differ in what the retry brings along, and may in `_meta`. */
function requestDigest({ method, params }: AskedRequest): string {
  const { _meta, inputResponses: _responses, requestState: _state, ...asked } = params;
  return digestOf(canonicalJson({ method, params: asked }));
}
