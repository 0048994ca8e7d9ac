// What is told of a server to who asks for its state.
import type { ServerDefinition, ServerState, ServerStatus } from "../server-definition.ts";

export function statusOf(
  { name, isolated, reference, digest }: ServerDefinition,
  { state, tools, error }: { readonly state: ServerState; readonly tools: number; readonly error: string | undefined },
): ServerStatus {
  return {
    name,
    state,
    isolated,
    tools,
    ...(reference === undefined ? {} : { reference }),
    ...(digest === undefined ? {} : { digest }),
    ...(error === undefined ? {} : { error }),
  };
}
