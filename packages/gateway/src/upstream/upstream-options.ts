// What a server behind the gateway needs of its surroundings.
import type { Clock, JsonObject, Log } from "@pratique/core";
import type { UpstreamEvent } from "../exchange/upstream-port.ts";

export interface UpstreamOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How the gateway calls itself. */
  readonly info: JsonObject & { readonly name: string; readonly version: string };
  /** What must have ended before this one starts: a server of the same name that it replaces. */
  readonly after?: Promise<unknown> | undefined;
  onEvent(event: UpstreamEvent): void;
}
