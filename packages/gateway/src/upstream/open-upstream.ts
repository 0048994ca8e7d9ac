// A server behind the gateway, for one scope, as its definition wants it to live.
import type { UpstreamPort } from "../exchange/upstream-port.ts";
import type { ServerDefinition } from "../server-definition.ts";
import { PerCallUpstream } from "./per-call-upstream.ts";
import { ServerUpstream } from "./server-upstream.ts";
import type { UpstreamOptions } from "./upstream-options.ts";

/** Starts nothing yet: that happens when it is first needed. `scope`: for whom it acts; `""` for everybody. */
export function openUpstream(definition: ServerDefinition, scope: string, options: UpstreamOptions): UpstreamPort {
  const isStarted = definition.transport.type === "stdio" || definition.transport.start !== undefined;
  // A server that others run has a life of its own.
  if (definition.life === "per-call" && isStarted) return new PerCallUpstream(definition, scope, options);
  return new ServerUpstream(definition, scope, options);
}
