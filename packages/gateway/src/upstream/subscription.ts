// `subscriptions/listen` of revision 2026-07-28, kept open: how a server tells what changes.
import { isJsonObject, Mutex, type JsonObject } from "@pratique/core";
import { McpError } from "../exchange/mcp-error.ts";
import type { ListKind, ServerFacts } from "../exchange/upstream-port.ts";
import { LIST_TIMEOUT_MS } from "../limits.ts";
import type { Conversation } from "./conversation.ts";
import { modernHeaders } from "./dialect.ts";
import type { Flight } from "./flight.ts";
import { LostRequest } from "./lost-request.ts";
import { CODE, META } from "./protocol.ts";

const METHOD = "subscriptions/listen";
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1500;

const FLAGS: Readonly<Record<Exclude<ListKind, "templates">, string>> = {
  tools: "toolsListChanged",
  prompts: "promptsListChanged",
  resources: "resourcesListChanged",
};

export interface SubscriptionOptions {
  readonly conversation: Conversation;
  readonly facts: ServerFacts;
  readonly uris: ReadonlySet<string>;
  params(params: JsonObject): (id: number) => JsonObject;
  /** It was closed for a while. */
  onGap(): void;
  /** What it told. */
  onNotification(method: string, params: JsonObject): void;
}

/** A server that does not even acknowledge is left alone after so many tries. */
const TRIES = 5;

export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #uris: Set<string>;
  /** One stream is opened at a time. */
  readonly #turn = new Mutex();
  #agreed: JsonObject = {};
  #current: { readonly flight: Flight; readonly asked: string } | undefined;
  #pause: NodeJS.Timeout | undefined;
  #failures = 0;
  #wasOpen = false;
  #isClosed = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#uris = new Set(options.uris);
  }

  open(): void {
    this.#reopen().catch(() => undefined);
  }

  tells(kind: ListKind): boolean {
    return this.#agreed[FLAGS[kind === "templates" ? "resources" : kind]] === true;
  }

  /** @throws McpError when the server does not agree */
  async watch(uri: string): Promise<void> {
    this.#uris.add(uri);
    await this.#reopen();
    const { resourceSubscriptions: agreed } = this.#agreed;
    if (Array.isArray(agreed) && agreed.includes(uri)) return;
    this.#uris.delete(uri);
    throw new McpError(CODE.methodNotFound, "the server does not tell when this resource changes");
  }

  unwatch(uri: string): void {
    if (this.#uris.delete(uri)) this.open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    this.#current?.flight.abandon("it is not needed any more");
  }

  /** Opens a stream with what is wanted now, then ends the one before it, so that nothing falls between. */
  #reopen(): Promise<void> {
    clearTimeout(this.#pause);
    return this.#turn.run(() => this.#open());
  }

  async #open(): Promise<void> {
    const wanted = this.#filter();
    const asked = JSON.stringify(wanted);
    const previous = this.#current;
    if (this.#isClosed || previous?.asked === asked) return;
    if (asked === "{}") {
      this.#current = undefined;
      this.#agreed = {};
      previous?.flight.abandon("it is not needed any more");
      return;
    }
    const { flight, acknowledged } = this.#start(wanted);
    this.#current = { flight, asked };
    this.#agreed = await acknowledged;
    this.#failures = 0;
    if (this.#wasOpen && previous === undefined) this.#options.onGap();
    this.#wasOpen = true;
    previous?.flight.abandon("another one has taken its place");
  }

  #start(wanted: JsonObject): { readonly flight: Flight; readonly acknowledged: Promise<JsonObject> } {
    const { conversation, onNotification } = this.#options;
    const { promise: acknowledged, resolve, reject } = Promise.withResolvers<JsonObject>();
    const params = { notifications: wanted };
    const flight = conversation.start({
      method: METHOD,
      params: this.#options.params(params),
      headers: modernHeaders(METHOD, params),
      onNotification: (method, told) => {
        if (method === "notifications/subscriptions/acknowledged")
          resolve(isJsonObject(told["notifications"]) ? told["notifications"] : {});
        else onNotification(method, withoutSubscription(told));
      },
    });
    const late = setTimeout(() => flight.abandon("it was not acknowledged"), LIST_TIMEOUT_MS).unref();
    const end = (error: unknown): void => {
      clearTimeout(late);
      reject(error instanceof Error ? error : new Error("it ended"));
      this.#ended(flight, error);
    };
    void acknowledged.then(
      () => clearTimeout(late),
      () => undefined,
    );
    flight.answer.then(() => end(undefined), end);
    return { flight, acknowledged };
  }

  #ended(flight: Flight, error: unknown): void {
    if (this.#current?.flight !== flight || this.#isClosed) return;
    this.#current = undefined;
    this.#agreed = {};
    // A server that answers with an error has no such streams.
    if (error instanceof McpError || this.#failures >= TRIES) return;
    if (error instanceof LostRequest && error.endsConnection) {
      this.#options.conversation.ended(error);
      return;
    }
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    this.#pause = setTimeout(() => this.open(), pauseMs).unref();
  }

  #filter(): JsonObject {
    const { capabilities } = this.#options.facts;
    const filter: Record<string, boolean | string[]> = {};
    for (const [kind, flag] of Object.entries(FLAGS)) {
      const has = capabilities[kind];
      if (isJsonObject(has) && has["listChanged"] === true) filter[flag] = true;
    }
    if (this.#uris.size > 0) filter["resourceSubscriptions"] = [...this.#uris];
    return filter;
  }
}

/** Its id is between us and the server. */
function withoutSubscription(params: JsonObject): JsonObject {
  const { _meta: meta, ...rest } = params;
  if (!isJsonObject(meta)) return params;
  const { [META.subscription]: _id, ...others } = meta;
  return Object.keys(others).length === 0 ? rest : { ...rest, _meta: others };
}
