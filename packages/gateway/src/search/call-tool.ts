// call_tool: calls what find_tool found.
import { isJsonObject, type JsonObject } from "@pratique/core";

export const CALL_TOOL: JsonObject = {
  name: "call_tool",
  description: "Calls a tool that find_tool found, by its name and with its arguments.",
  inputSchema: {
    type: "object",
    properties: { name: { type: "string" }, arguments: { type: "object" } },
    required: ["name"],
  },
  annotations: { title: "Call a tool" },
};

export interface CallRequest {
  readonly name: string;
  readonly args: JsonObject;
}

/** @returns a sentence that says what is wrong with them, for the model to read */
export function callRequest({ name, arguments: args }: JsonObject): CallRequest | string {
  if (typeof name !== "string" || name === "") return "name is the name of a tool that find_tool found";
  if (args === undefined || args === null) return { name, args: {} };
  // Small models write the object as a text.
  const given = typeof args === "string" ? parsed(args) : args;
  return isJsonObject(given) ? { name, args: given } : 'arguments is an object: { "name": value, … }';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
