// run_code: a small program over the tools that its caller has.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import type { ProgramEnding } from "./program-protocol.ts";

export const RUN_CODE: JsonObject = {
  name: "run_code",
  description:
    "Runs a JavaScript or TypeScript program over your tools, so that many calls and their data cost you one call and its result. `code` is the body of an async function. Tools are `await tools.NAME(args)` as find_tool declares them with `declare: true`; a tool's error is thrown. `console.log` is shown to you; `return` what you want to know. It has no network, files, timers or modules.",
  inputSchema: {
    type: "object",
    properties: {
      code: { type: "string", description: "such as: const all = await tools.list_issues({}); return all.length" },
    },
    required: ["code"],
  },
  annotations: { title: "Run a program over tools" },
};

const CODE_CHARS = 64 * 1024;
const ANSWER_CHARS = 2 * 1024 * 1024;

/** @returns a sentence that says what is wrong with it, for the model to read */
export function codeIn({ code }: JsonObject): { readonly code: string } | string {
  if (typeof code !== "string" || code.trim() === "") return "code is the body of an async function";
  return code.length > CODE_CHARS ? `code is longer than ${CODE_CHARS} characters` : { code };
}

/** JSON of what a tool's result comes to in a program. @throws what a program is to see of a failure */
export function programValue(answer: JsonObject): string {
  const { content, structuredContent, isError, resultType } = answer;
  if (resultType === "input_required") throw new Error("it asks for a person's input: call it by itself");
  const blocks = Array.isArray(content) ? content : [];
  const texts = blocks.map((block: Json) =>
    isJsonObject(block) && block["type"] === "text" && typeof block["text"] === "string" ? block["text"] : undefined,
  );
  if (isError === true) throw new Error(texts.filter((one) => one !== undefined).join("\n") || "the tool failed");
  const text =
    structuredContent !== undefined
      ? JSON.stringify(structuredContent)
      : texts.every((one) => one !== undefined)
        ? jsonOf(texts.join("\n"))
        : JSON.stringify(blocks);
  if (text.length > ANSWER_CHARS) throw new Error("the result is too large for a program");
  return text;
}

/** Many servers answer with JSON in a text: a program gets what it says. */
function jsonOf(text: string): string {
  const start = text.trimStart()[0];
  if (start === "{" || start === "[") {
    try {
      JSON.parse(text);
      return text;
    } catch {
      // A text that only begins like JSON is a text.
    }
  }
  return JSON.stringify(text);
}

export function endingResult({ result, error, output, calls }: ProgramEnding): JsonObject {
  const parts = [
    ...(output === "" ? [] : [`output:\n${output.trimEnd()}`]),
    error === undefined ? (result ?? "The program returned nothing: end it with return.") : `failed: ${error}`,
  ];
  return {
    content: parts.map((text) => ({ type: "text", text })),
    ...(error === undefined ? {} : { isError: true }),
    _meta: { "dev.pratique/calls": calls },
  };
}
