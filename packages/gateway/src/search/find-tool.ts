// find_tool: a few lines for each hit, and the whole definition of those that are asked for by name.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { answerType, argumentsType } from "./signature.ts";

export const FIND_TOOL: JsonObject = {
  name: "find_tool",
  description:
    "Finds tools that are not in this list. Say in `query` what you want to do, in a few words. Each hit is a line: name, arguments, what it does. `names` gives the whole definitions of tools that you name.",
  inputSchema: {
    type: "object",
    properties: {
      query: { type: "string", description: "such as: create an issue on GitHub" },
      names: { type: "array", items: { type: "string" }, description: "tools to define in full" },
      limit: { type: "integer", minimum: 1, maximum: 25 },
    },
  },
  annotations: { title: "Find tools", readOnlyHint: true, openWorldHint: false },
};

export interface FindRequest {
  readonly query: string;
  readonly names: readonly string[];
  readonly limit: number;
}

const HITS = 6;
const MOST_HITS = 25;
const MOST_NAMES = 10;
const QUERY_LIMIT = 500;
const SIGNATURE_LIMIT = 240;
const SENTENCE_LIMIT = 140;
/** Whole definitions, together. */
const DEFINITIONS_LIMIT = 60_000;

/** @returns a sentence that says what is wrong with them, for the model to read */
export function findRequest(args: JsonObject): FindRequest | string {
  const { query, names, limit } = args;
  if (query !== undefined && typeof query !== "string") return "query is a text";
  const isList = names === undefined || (Array.isArray(names) && names.every((name: Json) => typeof name === "string"));
  if (!isList) return "names is a list of texts";
  if (limit !== undefined && !(typeof limit === "number" && Number.isInteger(limit) && limit > 0))
    return "limit is a whole number from 1 on";
  const wanted = (names ?? []) as readonly string[];
  if ((query ?? "").trim() === "" && wanted.length === 0)
    return "say in query what you want to do, or name tools in names";
  return {
    query: (query ?? "").slice(0, QUERY_LIMIT),
    names: wanted.slice(0, MOST_NAMES),
    limit: Math.min(typeof limit === "number" ? limit : HITS, MOST_HITS),
  };
}

/** `create_issue({ owner: string, title: string, body?: string }) Creates an issue.` */
export function hitLine(tool: JsonObject): string {
  const type = argumentsType(tool);
  const args = type === "{}" ? "" : cut(type, SIGNATURE_LIMIT);
  return `${String(tool["name"])}(${args}) ${firstSentence(tool["description"])}`.trimEnd();
}

export function hitsText(hits: readonly JsonObject[], offered: number): string {
  if (hits.length === 0) return `None of ${offered} tools fits. Say it in other words, or more generally.`;
  return hits.map(hitLine).join("\n");
}

/** As the server gave them, without what a model has no use for. */
export function definitionsText(tools: readonly JsonObject[], unknown: readonly string[]): string {
  const parts: string[] = [];
  let size = 0;
  for (const { name, description, inputSchema, outputSchema } of tools) {
    const text = JSON.stringify({ name, description, inputSchema, outputSchema });
    size += text.length;
    parts.push(size > DEFINITIONS_LIMIT ? `${String(name)}: too large beside the others; ask for it alone` : text);
  }
  if (unknown.length > 0) parts.push(`No tool is called ${unknown.map((name) => name.slice(0, 100)).join(", ")}.`);
  return parts.join("\n");
}

/** For code mode: `tools.github.create_issue(args: { … }): Promise<any>`, with what it does before it. */
export function declarationText(tools: readonly JsonObject[], pathOf: (name: string) => string): string {
  return tools
    .map((tool) => {
      const said = firstSentence(tool["description"]);
      const args = argumentsType(tool);
      const parameter = args === "{}" ? "" : `args: ${args}`;
      const doc = said === "" ? "" : `/** ${said.replaceAll("*/", "* /")} */\n`;
      return `${doc}${pathOf(String(tool["name"]))}(${parameter}): Promise<${answerType(tool)}>`;
    })
    .join("\n");
}

function firstSentence(description: Json | undefined): string {
  if (typeof description !== "string") return "";
  const line = description.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  const end = /[.!?](?= [\p{Lu}\d"'`(]|$)/u.exec(line);
  return cut(end === null ? line : line.slice(0, end.index + 1), SENTENCE_LIMIT);
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}

/** True for a list of content that says so. */
export function textResult(text: string, isError = false): JsonObject {
  return { content: [{ type: "text", text }], ...(isError ? { isError: true } : {}) };
}

export function argumentsOf(params: JsonObject): JsonObject {
  const { arguments: args } = params;
  return isJsonObject(args) ? args : {};
}
