// The OpenAI forms of an answer: one object, or the events of a stream.
import { randomUUID } from "node:crypto";
import type { AnswerEnd } from "./host-model.ts";
import type { SaidPart } from "./tool-call-text.ts";

interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface CompletionWireOptions {
  readonly id: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
  /** False drops the calls of a model that was told not to make any. */
  readonly mayCall: boolean;
}

/** Collects the parts of one answer and gives their wire forms. */
export class CompletionWire {
  readonly #options: CompletionWireOptions;
  #text = "";
  readonly #calls: ToolCall[] = [];
  #isUnreadable = false;
  #hasBegun = false;

  constructor(options: CompletionWireOptions) {
    this.#options = options;
  }

  /** True when the model wrote call markup that names no tool. */
  get isUnreadable(): boolean {
    return this.#isUnreadable;
  }

  /** Takes a part; returns its stream event, if it has one. */
  add(part: SaidPart): object | undefined {
    if (part.type === "unreadable") {
      this.#isUnreadable = this.#options.mayCall;
      return undefined;
    }
    if (part.type === "text") {
      this.#text += part.text;
      return this.#event({ ...this.#role(), content: part.text }, null);
    }
    if (!this.#options.mayCall) return undefined;
    const call: ToolCall = {
      id: `call_${randomUUID().replaceAll("-", "")}`,
      type: "function",
      function: { name: part.name, arguments: part.arguments },
    };
    const index = this.#calls.push(call) - 1;
    return this.#event({ ...this.#role(), tool_calls: [{ index, ...call }] }, null);
  }

  completion(end: AnswerEnd): object {
    return {
      ...this.#head("chat.completion"),
      choices: [
        {
          index: 0,
          finish_reason: this.#reason(end),
          message: {
            role: "assistant",
            content: this.#text,
            ...(this.#calls.length > 0 ? { tool_calls: this.#calls } : {}),
          },
        },
      ],
      usage: usage(end),
    };
  }

  lastEvents(end: AnswerEnd, includeUsage: boolean): object[] {
    const last = this.#event(this.#role(), this.#reason(end));
    return includeUsage ? [last, { ...this.#head("chat.completion.chunk"), choices: [], usage: usage(end) }] : [last];
  }

  #reason(end: AnswerEnd): string {
    return end.reason === "length" ? "length" : this.#calls.length > 0 ? "tool_calls" : "stop";
  }

  #role(): object {
    if (this.#hasBegun) return {};
    this.#hasBegun = true;
    return { role: "assistant", content: "" };
  }

  #head(object: string): object {
    return { id: this.#options.id, object, created: this.#options.created, model: this.#options.model };
  }

  #event(delta: object, finishReason: string | null): object {
    return {
      ...this.#head("chat.completion.chunk"),
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    };
  }
}

function usage(end: AnswerEnd): object {
  return {
    prompt_tokens: end.promptTokens,
    completion_tokens: end.completionTokens,
    total_tokens: end.promptTokens + end.completionTokens,
    prompt_tokens_details: { cached_tokens: end.cachedTokens },
  };
}
