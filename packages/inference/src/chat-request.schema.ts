// A chat completion request as OpenAI's API has it: loose, since others own the format.
import { z } from "zod";

const Message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]).optional(),
});

const Tool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({ name: z.string().min(1).max(256) }),
});

export const ChatRequest = z.looseObject({
  model: z.string().min(1).max(512),
  messages: z.array(Message).min(1).max(10_000),
  tools: z.array(Tool).max(1024).optional(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  seed: z.int().nullish(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

/** What a local engine gets of a request. llama-server has switches beyond these that are not a client's to set. */
export const LOCAL_FIELDS = [
  "messages",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "stream",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "seed",
  "max_tokens",
  "max_completion_tokens",
  "stop",
  "n",
  "logprobs",
  "top_logprobs",
  "response_format",
  "frequency_penalty",
  "presence_penalty",
] as const;

/** Token counts of an answer. */
export const Usage = z.looseObject({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
});

/** What is read of an answer, whole or in events; the rest passes through. */
export const AnswerPart = z.looseObject({
  choices: z.array(z.looseObject({ finish_reason: z.string().nullish() })).optional(),
  usage: Usage.nullish(),
  error: z.unknown().optional(),
});
export type AnswerPart = z.infer<typeof AnswerPart>;
