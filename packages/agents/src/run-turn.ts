// One turn of a model: messages and tools in, text and calls out. The AI SDK reads the wire; the loop is ours.
import { isJsonObject, PratiqueError, type JsonObject } from "@pratique/core";
import type { LanguageModel, LanguageModelUsage, ModelMessage, TextStreamPart, ToolSet } from "ai";
import { agentErrors } from "./errors.ts";
import type { AgentTool } from "./tool-port.ts";

export type TurnMessage =
  | { readonly role: "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly calls: readonly TurnCall[] }
  | { readonly role: "tool"; readonly id: string; readonly tool: string; readonly text: string };

export interface TurnCall {
  readonly id: string;
  readonly tool: string;
  /** Undefined when the model's arguments are no JSON object. */
  readonly arguments: JsonObject | undefined;
  /** As the model wrote them, when they are malformed. */
  readonly raw?: string;
}

export type TurnEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool-call"; readonly call: TurnCall }
  | { readonly type: "usage"; readonly promptTokens: number; readonly completionTokens: number }
  | { readonly type: "finish"; readonly reason: "stop" | "tool-calls" | "length" };

export interface TurnOptions {
  readonly baseUrl: string;
  readonly model: string;
  readonly token: string;
  /** The system prompt. */
  readonly instruction?: string;
  readonly messages: readonly TurnMessage[];
  readonly tools: readonly AgentTool[];
  readonly temperature?: number | undefined;
  readonly maxTokens?: number | undefined;
  readonly topP?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For the whole turn. Default 10 minutes. */
  readonly timeoutMs?: number;
  /** In place of the one at `baseUrl`, for tests. */
  readonly languageModel?: LanguageModel;
}

function modelMessage(message: TurnMessage): ModelMessage {
  if (message.role === "user") return { role: "user", content: message.text };
  if (message.role === "tool") {
    const output = { type: "text" as const, value: message.text };
    return { role: "tool", content: [{ type: "tool-result", toolCallId: message.id, toolName: message.tool, output }] };
  }
  return {
    role: "assistant",
    content: [
      ...(message.text === "" ? [] : [{ type: "text" as const, text: message.text }]),
      ...message.calls.map((call) => ({
        type: "tool-call" as const,
        toolCallId: call.id,
        toolName: call.tool,
        input: call.arguments ?? {},
      })),
    ],
  };
}

/** An API error in OpenAI's form keeps its own code: a denial stays one. */
function turnError(model: string, error: unknown): PratiqueError {
  if (error instanceof PratiqueError) return error;
  const given = typeof error === "object" && error !== null ? error : {};
  const status = "statusCode" in given && typeof given.statusCode === "number" ? given.statusCode : undefined;
  const body = "responseBody" in given && typeof given.responseBody === "string" ? given.responseBody : "";
  // The SDK wraps the last of several tries.
  if ("lastError" in given && given.lastError !== undefined) return turnError(model, given.lastError);
  try {
    const parsed: unknown = JSON.parse(body);
    const inner = isJsonObject(parsed) && isJsonObject(parsed["error"]) ? parsed["error"] : {};
    const { code, message, hint } = inner;
    if (typeof code === "string" && code.includes(".") && typeof message === "string") {
      const details = { ...(typeof hint === "string" ? { hint } : {}), ...(status === undefined ? {} : { status }) };
      return new PratiqueError({ code, message, cause: error, ...details });
    }
  } catch {
    // no JSON: the message below says what there is
  }
  const detail = error instanceof Error ? error.message : isJsonObject(error) ? JSON.stringify(error) : String(error);
  return agentErrors("agent.model-failed", { model, detail: detail.slice(0, 500) }, { cause: error });
}

function callOf(part: { toolCallId: string; toolName: string; input: unknown }): TurnCall {
  const { toolCallId: id, toolName: tool, input } = part;
  if (isJsonObject(input)) return { id, tool, arguments: input };
  const raw = typeof input === "string" ? input : (JSON.stringify(input) ?? "");
  return { id, tool, arguments: undefined, raw };
}

function usageOf({ inputTokens = 0, outputTokens = 0 }: LanguageModelUsage): TurnEvent {
  return { type: "usage", promptTokens: inputTokens, completionTokens: outputTokens };
}

/** What a part of the SDK's stream means to us. @throws what the part reports */
function turnEvent(part: TextStreamPart<ToolSet>, deadline: AbortSignal): TurnEvent | undefined {
  switch (part.type) {
    case "text-delta":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "tool-call":
      return { type: "tool-call", call: callOf(part) };
    case "finish-step": {
      if (part.finishReason === "error") throw new Error("it ended with an error");
      const { finishReason } = part;
      return {
        type: "finish",
        reason: finishReason === "length" || finishReason === "tool-calls" ? finishReason : "stop",
      };
    }
    case "abort":
      throw deadline.aborted ? new Error("it took too long") : agentErrors("agent.cancelled");
    case "error":
      throw part.error;
    default:
      return undefined;
  }
}

async function openModel(options: TurnOptions): Promise<LanguageModel> {
  if (options.languageModel !== undefined) return options.languageModel;
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const provider = createOpenAICompatible({
    name: "pratique",
    baseURL: options.baseUrl,
    apiKey: options.token,
    includeUsage: true,
  });
  return provider.chatModel(options.model);
}

/**
 * Runs one turn. Ends with exactly one `finish`; whatever keeps the answer from being whole is thrown.
 * @throws `agent.cancelled`, `agent.model-failed`, or the error of the API under its own code
 */
export async function* runTurn(options: TurnOptions): AsyncGenerator<TurnEvent> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 600_000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  const { streamText, tool, jsonSchema } = await import("ai");
  const tools: ToolSet = Object.fromEntries(
    options.tools.map((given) => [
      given.name,
      tool({ description: given.description, inputSchema: jsonSchema(given.inputSchema) }),
    ]),
  );
  const { temperature, topP, frequencyPenalty, presencePenalty } = options;
  const given = { temperature, topP, frequencyPenalty, presencePenalty, maxOutputTokens: options.maxTokens };
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const result = streamText({
    model: await openModel(options),
    ...(options.instruction === undefined || options.instruction === "" ? {} : { instructions: options.instruction }),
    messages: options.messages.map(modelMessage),
    ...(options.tools.length > 0 ? { tools } : {}),
    ...settings,
    maxRetries: 2,
    abortSignal: signal,
    onError: () => undefined, // errors are parts of the stream; the SDK would print them
  });
  let finish: TurnEvent | undefined;
  try {
    for await (const part of result.fullStream) {
      if (options.signal?.aborted) throw agentErrors("agent.cancelled");
      const event = turnEvent(part, deadline);
      if (event?.type === "finish") finish = event;
      else if (event !== undefined) yield event;
      if (part.type === "finish-step") yield usageOf(part.usage);
    }
  } catch (error) {
    // The SDK reports most failures as parts and throws some.
    if (options.signal?.aborted) throw agentErrors("agent.cancelled", {}, { cause: error });
    throw turnError(options.model, error);
  }
  if (finish === undefined) throw turnError(options.model, new Error("its stream ended without a finish"));
  yield finish;
}
