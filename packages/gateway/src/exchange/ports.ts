// What the router hands each message through: screening, interceptors, drift, and tools of the gateway's own.
import type { Json, JsonObject } from "@pratique/core";
import type { Caller } from "../front/caller.ts";
import type { ServerDefinition } from "../server-definition.ts";
import type { Exchange } from "./exchange.ts";
import type { ServerFacts } from "./upstream-port.ts";

export interface ScreenPlace {
  /** to-server: arguments. to-client: results, lists, notifications, errors. */
  readonly direction: "to-server" | "to-client";
  readonly server: string;
  /** Tool, prompt or URI; the method for others. */
  readonly what: string;
  /** Through which profile, where that is known. */
  readonly profile?: string | undefined;
}

export interface Screened<T> {
  /** The very same value when nothing was found. */
  readonly value: T;
  /** Kind and short digest of each secret that was taken out, `KIND:DIGEST`. */
  readonly redactions: readonly string[];
}

/** The secret guard. Synchronous: it stands on the hot path. */
export interface Screen {
  /** @throws `gateway.secret-blocked` where policy blocks and does not redact */
  value<T extends Json>(value: T, place: ScreenPlace): Screened<T>;
  /** Without secrets, whatever policy says: for records, and for people who are asked. */
  forRecord?<T extends Json>(value: T): T;
  /** For texts that follow each other, one of which may begin a secret that the next one ends. */
  follow?(): Screen;
}

/** Others' code that may change or refuse a message: before it goes to the server, and after the answer. */
export interface Interceptors {
  /** False: nothing is configured for it, and the router goes on without a wait. */
  concerns(method: string, server: string): boolean;
  before(caller: Caller, exchange: Exchange, server: string): Promise<{ params: JsonObject; notes: JsonObject }>;
  after(
    caller: Caller,
    exchange: Exchange,
    server: string,
    answer: JsonObject,
  ): Promise<{ answer: JsonObject; notes: JsonObject }>;
}

/** Holds servers and tools that are not what was approved. */
export interface DriftGuard {
  /** Is told of each list of tools that a server gave. Names the tools that are held, with a reason each; `*` holds all. */
  held(definition: ServerDefinition, facts: ServerFacts, tools: readonly JsonObject[]): ReadonlyMap<string, string>;
}

/** Tools that the gateway itself has for a caller, such as find_tool. They are decided and recorded like any other. */
export interface OwnTools {
  /** `Tool` objects. `offered` is what the caller may see otherwise. */
  tools(caller: Caller, offered: readonly JsonObject[]): readonly JsonObject[];
  /** False: not one of them. */
  has(caller: Caller, name: string): boolean;
  call(
    caller: Caller,
    exchange: Exchange,
    inner: {
      readonly offered: readonly JsonObject[];
      /**
       * A call of a tool by its public name, with everything that any call passes. `more`: other members of its params,
       * such as `inputResponses` and `requestState` of a retry. `ended`: nobody waits for it any more.
       */
      call(name: string, args: JsonObject, more?: JsonObject, ended?: AbortSignal): Promise<JsonObject>;
      /** The server behind a public name. */
      serverOf?(name: string): string | undefined;
    },
  ): Promise<JsonObject>;
  /** Those of the offered tools that stay in the caller's list; absent: all. */
  visible?(caller: Caller, offered: readonly JsonObject[]): readonly JsonObject[];
}
