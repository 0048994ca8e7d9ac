// Renders a conversation with the chat template of the model's own metadata, as its training saw it.
import { Template } from "@huggingface/jinja";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

export interface TemplateTokens {
  readonly bos: string;
  readonly eos: string;
}

/** Renders messages and tools to the prompt text that ends where the assistant begins. */
export type ChatTemplate = (messages: readonly JsonObject[], tools: readonly Json[]) => string;

/** Arguments travel as JSON text on the wire; templates index into them or pass them to `tojson`. */
function withParsedArguments(message: JsonObject): JsonObject {
  const calls = message["tool_calls"];
  if (!Array.isArray(calls)) return message;
  const parsed = calls.map((call: Json): Json => {
    if (!isJsonObject(call) || !isJsonObject(call["function"])) return call;
    const given = call["function"]["arguments"];
    if (typeof given !== "string") return call;
    try {
      const value: Json = JSON.parse(given);
      return isJsonObject(value) ? { ...call, function: { ...call["function"], arguments: value } } : call;
    } catch {
      return call;
    }
  });
  return { ...message, tool_calls: parsed };
}

/** Compiles a template once. */
export function chatTemplate(source: string, tokens: TemplateTokens): ChatTemplate {
  const template = new Template(source);
  return (messages, tools) => {
    const render = (given: readonly JsonObject[]) =>
      template.render({
        messages: given,
        ...(tools.length > 0 ? { tools } : {}),
        add_generation_prompt: true,
        bos_token: tokens.bos,
        eos_token: tokens.eos,
      });
    const parsed = messages.map(withParsedArguments);
    try {
      return render(parsed);
    } catch (error) {
      // A few templates concatenate the arguments as text.
      if (!parsed.some((message, index) => message !== messages[index])) throw error;
      return render(messages);
    }
  };
}

/** For a model without a template of its own: the ChatML form that most fine-tunes understand. */
export const CHATML_TEMPLATE =
  "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' + (m.content or '') + '<|im_end|>\\n' }}{%- endfor -%}" +
  "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";
