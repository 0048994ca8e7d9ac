// A tool's arguments in one line, as a TypeScript signature: a tenth of what its JSON Schema costs.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

const DEPTH_LIMIT = 4;
const MEMBERS_LIMIT = 40;
const CHOICES_LIMIT = 12;
const NAME = /^[A-Za-z_$][\w$]*$/;

/** `{ owner: string, labels?: string[] }`, or `` when the tool takes nothing. */
export function argumentsType(tool: JsonObject): string {
  const schema = tool["inputSchema"];
  return isJsonObject(schema) ? typeOf(schema, schema, 0) : "{}";
}

/** What a tool answers with, where it says so. */
export function answerType(tool: JsonObject): string {
  const schema = tool["outputSchema"];
  return isJsonObject(schema) ? typeOf(schema, schema, 0) : "any";
}

function typeOf(schema: Json | undefined, root: JsonObject, depth: number): string {
  if (!isJsonObject(schema)) return schema === false ? "never" : "any";
  if (depth > DEPTH_LIMIT) return "any";
  const { $ref, type, enum: choices, anyOf, oneOf, allOf } = schema;
  if (typeof $ref === "string") return typeOf(resolved($ref, root), root, depth + 1);
  if (schema["const"] !== undefined) return JSON.stringify(schema["const"]);
  if (Array.isArray(choices))
    return union(choices.slice(0, CHOICES_LIMIT).map((choice: Json) => JSON.stringify(choice)));
  const several = anyOf ?? oneOf;
  if (Array.isArray(several) && schema["properties"] === undefined)
    return union(several.slice(0, CHOICES_LIMIT).map((one: Json) => typeOf(one, root, depth + 1)));
  if (Array.isArray(allOf) && allOf.length === 1 && type === undefined) return typeOf(allOf[0], root, depth + 1);
  if (Array.isArray(type)) return union(type.map((one: Json) => typeOf({ ...schema, type: one }, root, depth + 1)));
  if (type === "array") return arrayOf(typeOf(schema["items"], root, depth + 1));
  if (type === "object" || schema["properties"] !== undefined) return objectOf(schema, root, depth);
  if (type === "integer" || type === "number") return "number";
  return type === "string" || type === "boolean" || type === "null" ? type : "any";
}

function objectOf(schema: JsonObject, root: JsonObject, depth: number): string {
  const { properties, required } = schema;
  const names = isJsonObject(properties) ? Object.keys(properties) : [];
  if (!isJsonObject(properties) || names.length === 0) return depth === 0 ? "{}" : "object";
  const needed = new Set<Json>(Array.isArray(required) ? required : []);
  // What is needed first: it survives when the line is cut.
  const ordered = [...names.filter((name) => needed.has(name)), ...names.filter((name) => !needed.has(name))];
  const members = ordered.slice(0, MEMBERS_LIMIT).map((name) => {
    const key = NAME.test(name) ? name : JSON.stringify(name);
    return `${key}${needed.has(name) ? "" : "?"}: ${typeOf(properties[name], root, depth + 1)}`;
  });
  return `{ ${members.join(", ")}${ordered.length > MEMBERS_LIMIT ? ", …" : ""} }`;
}

function arrayOf(item: string): string {
  return /[|&]/.test(item) ? `(${item})[]` : `${item}[]`;
}

function union(types: readonly string[]): string {
  const distinct = [...new Set(types)];
  return distinct.length === 0 ? "any" : distinct.join(" | ");
}

/** Inside of the schema only (MCP: a network `$ref` is never followed). */
function resolved(ref: string, root: JsonObject): Json | undefined {
  if (!ref.startsWith("#/")) return undefined;
  let value: Json | undefined = root;
  for (const part of ref.slice(2).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}
