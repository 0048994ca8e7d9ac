// Where an agent's tools come from, and what a call gives back.
import type { JsonObject } from "@pratique/core";

export interface AgentTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments: an object. */
  readonly inputSchema: JsonObject;
}

export interface ToolResult {
  /** What the model gets to read, to the letter. */
  readonly text: string;
  readonly isError: boolean;
  readonly decision?: "allow" | "deny";
  /** `@id` of the policy that denied. */
  readonly policy?: string;
}

export interface ToolPort {
  list(): Promise<readonly AgentTool[]>;
  call(name: string, args: JsonObject, signal: AbortSignal): Promise<ToolResult>;
  close(): Promise<void>;
}

/** A port that shows only some tools of another. */
export function onlyTools(port: ToolPort, names: readonly string[]): ToolPort {
  return {
    list: async () => (await port.list()).filter((tool) => names.includes(tool.name)),
    call: (name, args, signal) => port.call(name, args, signal),
    close: () => port.close(),
  };
}
