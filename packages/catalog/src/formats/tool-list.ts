// Tools as catalogs list them: MCP's own form, or names and descriptions alone.
import type { EntryTool } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { object, present, text } from "../loose.ts";
import type { EntryInput } from "./entry-format.ts";

type ToolInput = NonNullable<EntryInput["tools"]>[number];

export function readToolList(list: readonly JsonObject[]): ToolInput[] {
  const tools: ToolInput[] = [];
  const seen = new Set<string>();
  for (const one of list) {
    const name = text(one, "name", 200);
    // A name twice is none that a server could have.
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    const [title, description] = [text(one, "title", 500), text(one, "description", 20_000)];
    // Docker's `arguments` are no schema: the guard compares schemas exactly, and a guess would hold every tool.
    const inputSchema = object(one, "inputSchema") ?? object(one, "parameters");
    const [outputSchema, annotations] = [object(one, "outputSchema"), object(one, "annotations")];
    tools.push({
      name,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(inputSchema === undefined ? {} : { inputSchema: copy(inputSchema) }),
      ...(outputSchema === undefined ? {} : { outputSchema: copy(outputSchema) }),
      ...(annotations === undefined ? {} : { annotations: copy(annotations) }),
    });
    if (tools.length === 1000) break;
  }
  return tools;
}

export function writeToolList(tools: readonly EntryTool[]): JsonObject[] {
  return tools.map(({ name, title, description, inputSchema, outputSchema, annotations }) =>
    present({ name, title, description, inputSchema, outputSchema, annotations }),
  );
}

function copy(value: JsonObject): NonNullable<ToolInput["inputSchema"]> {
  const json: NonNullable<ToolInput["inputSchema"]> = JSON.parse(JSON.stringify(value));
  return json;
}
