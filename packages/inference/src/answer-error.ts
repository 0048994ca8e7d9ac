// What an engine's or upstream's refusal means to our caller.
import { isJsonObject, type PratiqueError } from "@pratique/core";
import { inferenceErrors } from "./errors.ts";

export interface AnswerSource {
  readonly type: "local" | "upstream";
  readonly name: string;
  readonly contextTokens?: number | undefined;
  /** The key it was asked with. Some APIs repeat a key that they refuse: it must reach no error, and so no record. */
  readonly apiKey?: string | undefined;
}

const MAX_DETAIL_CHARACTERS = 500;

function messageOf(body: string, apiKey: string | undefined): { message: string; error: Record<string, unknown> } {
  // Taken out before the text is cut, or half a key would stay.
  const shown = (text: string): string =>
    (apiKey === undefined || apiKey === "" ? text : text.replaceAll(apiKey, "«key»")).slice(0, MAX_DETAIL_CHARACTERS);
  try {
    const value: unknown = JSON.parse(body);
    const error = isJsonObject(value) && isJsonObject(value["error"]) ? value["error"] : {};
    const message = typeof error["message"] === "string" ? error["message"] : body;
    return { message: shown(message), error };
  } catch {
    return { message: shown(body), error: {} };
  }
}

/** Maps a status of 300 and more to one of our errors. */
export function answerError(source: AnswerSource, status: number, body: string): PratiqueError {
  const { message, error } = messageOf(body, source.apiKey);
  const { name } = source;
  if (source.type === "upstream") {
    if (status === 401 || status === 403) return inferenceErrors("upstream.refused", { name, status });
    if (status === 429) return inferenceErrors("upstream.busy", { name });
    if (status === 400 || status === 413 || status === 422)
      return inferenceErrors("completion.rejected", { route: name, detail: message });
    return inferenceErrors("upstream.failed", { name, status, detail: message });
  }
  if (error["type"] === "exceed_context_size_error") {
    const [promptTokens = "too many", contextTokens = "fewer"] = message.match(/\d+(?= tokens)/g) ?? [];
    return inferenceErrors("model.context-exceeded", { model: name, promptTokens, contextTokens });
  }
  if (status === 429) return inferenceErrors("engine.busy", { model: name });
  if (status < 500) return inferenceErrors("completion.rejected", { route: name, detail: message });
  return inferenceErrors("engine.failed", { model: name, detail: message });
}
