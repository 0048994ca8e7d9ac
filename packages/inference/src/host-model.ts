// A loaded model in the engine host: prompt in, text and tool calls out.
import { randomInt } from "node:crypto";
import { CHATML_TEMPLATE, chatTemplate, type ChatTemplate } from "./chat-template.ts";
import { readGgufHeader } from "./gguf-header.ts";
import { TOKEN_IS_CONTROL, type NativeBinding, type NativeModel } from "./host-binding.ts";
import { RequestError, type HostRequest } from "./host-request.ts";
import { QueueFull, Scheduler } from "./host-scheduler.ts";
import { StopText } from "./stop-text.ts";
import { TokenText } from "./token-text.ts";
import { ToolCallText, type SaidPart } from "./tool-call-text.ts";

export interface HostModelOptions {
  readonly path: string;
  readonly contextTokens: number | undefined;
  readonly threads: number;
  readonly slots: number;
}

export interface AnswerEnd {
  readonly reason: "stop" | "length" | "cancelled";
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
}

/** Prompts are evaluated in pieces of this size, between which others get their turn. */
const BATCH_TOKENS = 512;
const MAX_WAITING = 64;
/** Control tokens that are text all the same: the markup around a call. */
const MARKUP = new Set(["<tool_call>", "</tool_call>"]);

export class HostModel {
  readonly contextTokens: number;
  readonly #binding: NativeBinding;
  readonly #model: NativeModel;
  readonly #scheduler: Scheduler;
  readonly #render: ChatTemplate;

  private constructor(
    binding: NativeBinding,
    model: NativeModel,
    scheduler: Scheduler,
    render: ChatTemplate,
    size: number,
  ) {
    this.#binding = binding;
    this.#model = model;
    this.#scheduler = scheduler;
    this.#render = render;
    this.contextTokens = size;
  }

  static async load(binding: NativeBinding, options: HostModelOptions): Promise<HostModel> {
    const header = await readGgufHeader(options.path);
    const model = new binding.AddonModel(options.path, { gpuLayers: 0, useMmap: true, addonExports: binding });
    if (!(await model.init())) throw new Error("llama.cpp cannot load the file");
    const contextTokens = options.contextTokens ?? header.contextTokens;
    const context = new binding.AddonContext(model, {
      contextSize: contextTokens * options.slots,
      batchSize: BATCH_TOKENS,
      sequences: options.slots,
      flashAttention: "auto",
      threads: options.threads,
    });
    if (!(await context.init())) throw new Error(`there is no memory for ${contextTokens} tokens of context`);
    const scheduler = new Scheduler({
      context,
      isEnd: (token) => model.isEogToken(token),
      contextTokens,
      slots: options.slots,
      batchTokens: BATCH_TOKENS,
      maxWaiting: MAX_WAITING,
    });
    const text = (token: number) => (token < 0 ? "" : model.getTokenString(token));
    const tokens = { bos: text(model.tokenBos()), eos: text(model.tokenEos()) };
    const render = chatTemplate(header.chatTemplate ?? CHATML_TEMPLATE, tokens);
    return new HostModel(binding, model, scheduler, render, contextTokens);
  }

  /** Answers a request; `say` gets each part as soon as it is certain. */
  async answer(request: HostRequest, signal: AbortSignal, say: (part: SaidPart) => void): Promise<AnswerEnd> {
    const prompt = this.#prompt(request);
    if (prompt.length >= this.contextTokens) {
      throw new RequestError(
        `request (${prompt.length} tokens) exceeds the available context size (${this.contextTokens} tokens), try increasing it`,
        400,
        "exceed_context_size_error",
      );
    }
    const sampler = new this.#binding.AddonSampler(this.#model);
    const tokenText = new TokenText((tokens) => this.#detokenize(tokens));
    const stops = new StopText(request.stop);
    const calls = request.tools.length > 0 ? new ToolCallText() : undefined;
    const pass = (text: string) => {
      if (text === "") return;
      const parts: SaidPart[] = calls === undefined ? [{ type: "text", text }] : calls.push(text);
      parts.forEach(say);
    };
    try {
      sampler.applyConfig(samplerConfig(request));
      const end = await this.#scheduler.generate({
        prompt,
        sampler,
        maxTokens: request.maxTokens ?? this.contextTokens,
        signal,
        onToken: (token) => {
          pass(stops.push(tokenText.push(token)));
          return !stops.stopped;
        },
      });
      pass(stops.push(tokenText.end()) + stops.end());
      calls?.end(end.reason === "length").forEach(say);
      return { ...end, completionTokens: end.tokens, promptTokens: prompt.length };
    } catch (error) {
      if (error instanceof QueueFull) throw new RequestError("too many requests wait", 429, "rate_limit_error");
      throw error;
    } finally {
      sampler.dispose();
    }
  }

  #prompt(request: HostRequest): number[] {
    let text: string;
    try {
      text = this.#render(request.messages, request.tools);
    } catch (error) {
      throw new RequestError(`the chat template refused it: ${error instanceof Error ? error.message : String(error)}`);
    }
    const tokens = Array.from(this.#model.tokenize(text, true));
    const bos = this.#model.tokenBos();
    return this.#model.shouldPrependBosToken() && bos >= 0 && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  }

  #detokenize(tokens: readonly number[]): string {
    const visible = tokens.filter(
      (token) =>
        (this.#model.getTokenAttributes(token) & TOKEN_IS_CONTROL) === 0 ||
        MARKUP.has(this.#model.getTokenString(token)),
    );
    return this.#model.detokenize(Uint32Array.from(visible), true);
  }
}

function samplerConfig(request: HostRequest) {
  if (request.temperature === 0) return { temperature: 0 };
  const { temperature, topK, topP, minP, seed } = request;
  return { temperature, topK, topP, minP, seed: seed ?? randomInt(2 ** 32) };
}
