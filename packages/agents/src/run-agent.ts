// The loop of an agent: a turn of the model, its calls, their results, until it answers.
import type { Clock, Json } from "@pratique/core";
import type { Agent, AgentFile } from "./agent-file.ts";
import { agentErrors } from "./errors.ts";
import { runTurn, type TurnCall, type TurnMessage, type TurnOptions } from "./run-turn.ts";
import { skillToolPort, type Skill } from "./skill.ts";
import type { AgentTool, ToolPort, ToolResult } from "./tool-port.ts";

export type RunEvent =
  | { readonly type: "started"; readonly agent: string; readonly model: string; readonly tools: readonly string[] }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool-call"; readonly id: string; readonly tool: string; readonly arguments: Json }
  | ({ readonly type: "tool-result"; readonly id: string; readonly tool: string } & ToolResult)
  | { readonly type: "usage"; readonly promptTokens: number; readonly completionTokens: number }
  | {
      readonly type: "finished";
      readonly answer: string;
      readonly turns: number;
      readonly durationMs: number;
      /** True when the answer ran into max_tokens. */
      readonly isCut: boolean;
    };

export interface RunAgentOptions {
  readonly file: AgentFile;
  /** Default: the file's. */
  readonly agent?: string;
  readonly prompt: string;
  readonly model: { readonly baseUrl: string; readonly token: string; readonly name: string };
  readonly tools: readonly ToolPort[];
  readonly skills: readonly Skill[];
  /** Most turns, where the definition says nothing or 0. Default 32. */
  readonly maxIterations?: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** In place of the model at `baseUrl`, for tests. */
  readonly languageModel?: TurnOptions["languageModel"];
}

const DEFAULT_MAX_TURNS = 32;

function chooseAgent(file: AgentFile, name: string): Agent {
  const agent = file.agents.find((candidate) => candidate.name === name);
  if (agent !== undefined) return agent;
  const names = file.agents.map((candidate) => candidate.name).join(", ");
  throw agentErrors("agent.unknown-agent", { file: "the definition", agent: name, names });
}

interface Toolbox {
  readonly tools: readonly AgentTool[];
  readonly ports: ReadonlyMap<string, ToolPort>;
}

/** The tools of all ports; a name that two of them have would make a policy's verdict ambiguous. */
async function openToolbox(given: readonly ToolPort[]): Promise<Toolbox> {
  const tools: AgentTool[] = [];
  const ports = new Map<string, ToolPort>();
  for (const port of given) {
    for (const tool of await port.list()) {
      if (ports.has(tool.name)) throw agentErrors("agent.duplicate-tool", { tool: tool.name });
      ports.set(tool.name, port);
      tools.push(tool);
    }
  }
  return { tools, ports };
}

/** Whatever goes wrong with a call is a result: the model may do better. Only cancelling ends the run. */
async function callTool(toolbox: Toolbox, call: TurnCall, signal: AbortSignal): Promise<ToolResult> {
  const port = toolbox.ports.get(call.tool);
  if (port === undefined) {
    const names = toolbox.tools.map((tool) => tool.name).join(", ");
    return { text: `error: there is no tool ${call.tool}; tools: ${names}`, isError: true };
  }
  if (call.arguments === undefined) {
    return { text: `error: the arguments of ${call.tool} are not a JSON object`, isError: true };
  }
  try {
    return await port.call(call.tool, call.arguments, signal);
  } catch (error) {
    if (signal.aborted) throw agentErrors("agent.cancelled", {}, { cause: error });
    return { text: `error: ${error instanceof Error ? error.message : String(error)}`, isError: true };
  }
}

/**
 * Runs an agent on a prompt until it answers.
 * @throws `agent.too-many-turns`, `agent.cancelled`, `agent.model-failed`, `agent.duplicate-tool`, `agent.unknown-agent`,
 *   or what the model's API answered (`policy.denied`, `model.not-found`, …)
 */
export async function* runAgent(options: RunAgentOptions): AsyncGenerator<RunEvent> {
  const { file, clock, model } = options;
  const signal = options.signal ?? new AbortController().signal;
  const started = clock.now().getTime();
  const agent = chooseAgent(file, options.agent ?? file.defaultAgent);
  const settings = file.models[agent.model];
  const skills = [...agent.inlineSkills, ...options.skills];
  const toolbox = await openToolbox([...options.tools, ...(skills.length > 0 ? [skillToolPort(skills)] : [])]);
  const limit = (agent.maxIterations ?? 0) > 0 ? agent.maxIterations! : (options.maxIterations ?? DEFAULT_MAX_TURNS);
  const messages: TurnMessage[] = [{ role: "user", text: options.prompt }];
  yield { type: "started", agent: agent.name, model: model.name, tools: toolbox.tools.map((tool) => tool.name) };

  for (let turn = 1; turn <= limit; turn += 1) {
    if (signal.aborted) throw agentErrors("agent.cancelled");
    let text = "";
    let isCut = false;
    const calls: TurnCall[] = [];
    const events = runTurn({
      baseUrl: model.baseUrl,
      model: model.name,
      token: model.token,
      instruction: agent.instruction,
      messages,
      tools: toolbox.tools,
      temperature: settings?.temperature,
      maxTokens: settings?.maxTokens,
      topP: settings?.topP,
      frequencyPenalty: settings?.frequencyPenalty,
      presencePenalty: settings?.presencePenalty,
      signal,
      ...(options.languageModel === undefined ? {} : { languageModel: options.languageModel }),
    });
    for await (const event of events) {
      if (event.type === "text") text += event.text;
      if (event.type === "tool-call") calls.push(event.call);
      if (event.type === "finish") isCut = event.reason === "length";
      if (event.type === "text" || event.type === "usage") yield event;
    }
    if (calls.length === 0) {
      const durationMs = clock.now().getTime() - started;
      yield { type: "finished", answer: text, turns: turn, durationMs, isCut };
      return;
    }
    messages.push({ role: "assistant", text, calls });
    for (const call of calls) {
      yield { type: "tool-call", id: call.id, tool: call.tool, arguments: call.arguments ?? call.raw ?? null };
      const result = await callTool(toolbox, call, signal);
      yield { type: "tool-result", id: call.id, tool: call.tool, ...result };
      messages.push({ role: "tool", id: call.id, tool: call.tool, text: result.text });
    }
  }
  throw agentErrors("agent.too-many-turns", { limit });
}
