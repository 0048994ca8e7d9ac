// The typed form of an agent definition (docker-agent's YAML, the part that Pratique carries out).
import type { Skill } from "./skill.ts";

/** A model as the definition describes it. */
export interface AgentModel {
  readonly provider: string;
  readonly model: string;
  readonly baseUrl?: string;
  readonly description?: string;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly topP?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
}

/** Tools of one MCP server: one of the catalog's, or one at an address. */
export type AgentToolset = {
  readonly type: "mcp";
  /** Only these tools; all when absent. */
  readonly tools?: readonly string[];
} & (
  | { readonly source: "catalog"; readonly ref: string }
  | { readonly source: "remote"; readonly url: string; readonly headers: Readonly<Record<string, string>> }
);

export interface Agent {
  readonly name: string;
  /** A key of `AgentFile.models`. */
  readonly model: string;
  readonly description: string;
  /** The system prompt, to the letter. */
  readonly instruction: string;
  readonly welcomeMessage?: string;
  readonly toolsets: readonly AgentToolset[];
  /** Skills by name, to be found where the agent is. */
  readonly skills: readonly string[];
  readonly inlineSkills: readonly Skill[];
  /** Most turns; absent when the definition leaves it to us. */
  readonly maxIterations?: number;
}

export interface AgentMetadata {
  readonly author?: string;
  readonly license?: string;
  readonly description?: string;
  readonly readme?: string;
  readonly version?: string;
  readonly tags?: readonly string[];
}

export interface AgentFile {
  /** `0` to `16`; absent means the newest. */
  readonly version: string | undefined;
  readonly metadata: AgentMetadata;
  /** Named models, and those that agents name as `provider/model`, under that text. */
  readonly models: Readonly<Record<string, AgentModel>>;
  /** In the order of the file. */
  readonly agents: readonly Agent[];
  /** `root`, else the first. */
  readonly defaultAgent: string;
}
