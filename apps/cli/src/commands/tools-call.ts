// `pratique tools call`: calls a tool, as any client of yours would.
import type { ToolCallRequest } from "@pratique/contracts";
import { isPratiqueError } from "@pratique/core";
import { cliErrors } from "../errors.ts";
import { textFlag, type Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { nearest } from "../kit/suggest.ts";
import { toolName, type ShownTool } from "../kit/tool-lines.ts";

const EXAMPLE = "pratique tools call get_weather city=Lisbon";

export const toolsCall: Command = {
  name: "tools call",
  group: "everyday",
  summary: "call a tool through the gateway",
  description:
    "Arguments are NAME=VALUE, the value as text or as JSON (days=3, tags='[\"a\"]'); or one JSON object.\nThe call is decided by policy and recorded like that of any client.",
  usage: "<tool> [arguments…]",
  minArgs: 1,
  maxArgs: 200,
  flags: {
    profile: { type: "string", value: "NAME", summary: "a profile, or names of servers joined by +" },
  },
  examples: [EXAMPLE, `pratique tools call search '{"query": "tides", "limit": 5}'`],
  async run({ args, flags, context }) {
    const [name = "", ...given] = args;
    const { terminal } = context;
    const profile = textFlag(flags, "profile");
    const client = await context.client();
    const request = { name, arguments: argumentsFrom(given), ...(profile === undefined ? {} : { profile }) };
    const { result } = await client.callTool(request, context.interrupted).catch(async (error: unknown) => {
      if (!isPratiqueError(error) || error.code !== "gateway.unknown-tool") throw error;
      throw unknownTool(name, await client.tools(profile));
    });
    const isDenied = isRecord(result["_meta"]) && isDenial(result["_meta"]["dev.pratique/decision"]);
    if (context.json) terminal.out(JSON.stringify(result, null, 2));
    else for (const part of Array.isArray(result["content"]) ? result["content"] : []) terminal.out(shown(part));
    if (isDenied) return 3;
    return result["isError"] === true ? 1 : 0;
  },
};

function unknownTool(name: string, tools: readonly ShownTool[]) {
  const close = nearest(name, tools.map(toolName));
  const hint =
    close === undefined ? {} : { hint: `did you mean ${close}? pratique tools ls lists those that you may see` };
  return cliErrors("cli.unknown-tool", { name }, hint);
}

type Arguments = NonNullable<ToolCallRequest["arguments"]>;

function argumentsFrom(given: readonly string[]): Arguments {
  const [first = ""] = given;
  if (given.length === 1 && first.startsWith("{")) {
    const value = jsonOr(first, undefined);
    if (!isRecord(value)) throw usageError("the arguments are no JSON object", EXAMPLE);
    return value as Arguments;
  }
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw usageError(`${text} is not NAME=VALUE`, EXAMPLE);
      const value = text.slice(at + 1);
      return [text.slice(0, at), jsonOr(value, value)];
    }),
  ) as Arguments;
}

function jsonOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

function shown(part: unknown): string {
  if (isRecord(part) && typeof part["text"] === "string") return part["text"];
  if (isRecord(part) && typeof part["data"] === "string")
    return `[${String(part["type"])}, ${String(part["mimeType"] ?? "unknown")}, ${part["data"].length} characters of base64]`;
  return JSON.stringify(part);
}

function isDenial(decision: unknown): boolean {
  return isRecord(decision) && decision["allow"] === false;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
