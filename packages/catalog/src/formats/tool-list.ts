// Tools as catalogs list them: MCP's own form, Docker's list of arguments, or names alone.
import type { EntryTool } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { flag, object, objects, present, text } from "../loose.ts";
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
    const inputSchema = object(one, "inputSchema") ?? object(one, "parameters") ?? schemaOf(one);
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

/** Docker's `arguments: [{ name, type, items, desc, optional }]` as a schema. */
function schemaOf(tool: JsonObject): JsonObject | undefined {
  if (!Array.isArray(tool["arguments"])) return undefined;
  const properties = new Map<string, Json>();
  const required: string[] = [];
  for (const argument of objects(tool, "arguments")) {
    const name = text(argument, "name", 200);
    if (name === undefined) continue;
    const items = object(argument, "items");
    properties.set(
      name,
      present({ type: text(argument, "type", 100), description: text(argument, "desc", 20_000), items }),
    );
    if (flag(argument, "optional") !== true) required.push(name);
  }
  return { type: "object", properties: Object.fromEntries(properties), ...(required.length === 0 ? {} : { required }) };
}

/** In Docker's words where the schema is as simple as they are, else as it is. */
export function writeToolList(tools: readonly EntryTool[]): JsonObject[] {
  return tools.map(({ name, title, description, inputSchema, outputSchema, annotations }) => {
    const list = inputSchema === undefined ? undefined : argumentsOf(inputSchema);
    return present({
      name,
      title,
      description,
      ...(list === undefined ? { inputSchema } : { arguments: list }),
      outputSchema,
      annotations,
    });
  });
}

function argumentsOf(schema: JsonObject): JsonObject[] | undefined {
  const { type, properties, required = [], ...rest } = schema;
  if (type !== "object" || !isJsonObject(properties) || !isTexts(required) || Object.keys(rest).length > 0)
    return undefined;
  const list: JsonObject[] = [];
  for (const [name, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) return undefined;
    const { type: kind, description, items, ...more } = property;
    if (Object.keys(more).length > 0) return undefined;
    list.push(
      present({ name, type: kind, desc: description, items, optional: required.includes(name) ? undefined : true }),
    );
  }
  return list;
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function copy(value: JsonObject): NonNullable<ToolInput["inputSchema"]> {
  const json: NonNullable<ToolInput["inputSchema"]> = JSON.parse(JSON.stringify(value));
  return json;
}
