// What the engine host understands of a chat completion request. The front has bounded and checked it already.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

export interface HostRequest {
  readonly messages: readonly JsonObject[];
  readonly tools: readonly Json[];
  /** False when the client forbade calls. */
  readonly mayCall: boolean;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly seed: number | undefined;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
}

/** A request that is wrong or asks for what this engine cannot do. */
export class RequestError extends Error {
  readonly status: number;
  readonly type: string;

  constructor(message: string, status = 400, type = "invalid_request_error") {
    super(message);
    this.status = status;
    this.type = type;
  }
}

function number(body: JsonObject, key: string, fallback: number): number {
  const value = body[key];
  if (value === undefined || value === null) return fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new RequestError(`'${key}' must be a number`);
  return value;
}

/** Content is text, or a list of text parts. */
function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (content === undefined || content === null) return "";
  if (!Array.isArray(content)) throw new RequestError("'content' must be text");
  return content
    .map((part: Json) => {
      if (isJsonObject(part) && part["type"] === "text" && typeof part["text"] === "string") return part["text"];
      throw new RequestError("this engine reads text parts only");
    })
    .join("");
}

function messagesOf(body: JsonObject): JsonObject[] {
  const messages = body["messages"];
  if (!Array.isArray(messages) || messages.length === 0) throw new RequestError("'messages' is required");
  return messages.map((message: Json) => {
    if (!isJsonObject(message) || typeof message["role"] !== "string") throw new RequestError("a message needs a role");
    const role = message["role"] === "developer" ? "system" : message["role"];
    return { ...message, role, content: textOf(message["content"]) };
  });
}

function refuseUnsupported(body: JsonObject): void {
  const choice = body["tool_choice"];
  if (choice !== undefined && choice !== null && choice !== "auto" && choice !== "none") {
    throw new RequestError("this engine supports tool_choice auto and none only");
  }
  const format = body["response_format"];
  if (isJsonObject(format) && format["type"] !== "text") {
    throw new RequestError("this engine has no constrained output: response_format must be text");
  }
  if (body["logprobs"] === true) throw new RequestError("this engine gives no logprobs");
  if (number(body, "n", 1) !== 1) throw new RequestError("this engine gives one choice");
  for (const key of ["frequency_penalty", "presence_penalty"]) {
    if (number(body, key, 0) !== 0) throw new RequestError(`this engine does not support ${key}`);
  }
}

/** Reads a request. Defaults are llama-server's. @throws RequestError */
export function readHostRequest(body: unknown): HostRequest {
  if (!isJsonObject(body)) throw new RequestError("the body must be a JSON object");
  refuseUnsupported(body);
  const tools = body["tools"] ?? [];
  if (!Array.isArray(tools)) throw new RequestError("'tools' must be a list");
  const stop = body["stop"] ?? [];
  const options = body["stream_options"];
  const limit = number(body, "max_completion_tokens", number(body, "max_tokens", -1));
  const seed = number(body, "seed", -1);
  return {
    messages: messagesOf(body),
    tools,
    mayCall: body["tool_choice"] !== "none",
    stream: body["stream"] === true,
    includeUsage: isJsonObject(options) && options["include_usage"] === true,
    temperature: Math.max(0, number(body, "temperature", 0.8)),
    topP: number(body, "top_p", 0.95),
    topK: number(body, "top_k", 40),
    minP: number(body, "min_p", 0.05),
    seed: seed < 0 ? undefined : Math.floor(seed) % 2 ** 32,
    maxTokens: limit < 0 ? undefined : Math.max(1, Math.floor(limit)),
    stop: (Array.isArray(stop) ? stop : [stop]).filter((item: Json) => typeof item === "string").slice(0, 16),
  };
}
