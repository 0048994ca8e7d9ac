// `pratique tools inspect`: what a tool does and what it takes.
import { cliErrors } from "../errors.ts";
import { textFlag, type Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { firstLine, toolName } from "../kit/tool-lines.ts";

export const toolsInspect: Command = {
  name: "tools inspect",
  group: "everyday",
  summary: "show what a tool does and what it takes",
  usage: "<tool>",
  minArgs: 1,
  flags: {
    profile: { type: "string", value: "NAME", summary: "a profile, or names of servers joined by +" },
  },
  examples: ["pratique tools inspect get_weather", "pratique tools inspect get_weather --json"],
  async run({ args, flags, context }) {
    const [name = ""] = args;
    const { terminal } = context;
    const tools = await (await context.client()).tools(textFlag(flags, "profile"));
    const tool = tools.find((one) => toolName(one) === name);
    if (tool === undefined) throw cliErrors("cli.unknown-tool", { name });
    if (context.json) {
      terminal.out(JSON.stringify(tool, null, 2));
      return 0;
    }
    const description = typeof tool["description"] === "string" ? tool["description"] : "";
    const taken = argumentsOf(tool["inputSchema"]);
    terminal.out(`${terminal.paint("strong", name)}  ${description}`);
    if (taken.length > 0)
      terminal.out(
        columns([["ARGUMENT", "TYPE", "NEEDED", "WHAT IT IS"].map((title) => terminal.paint("dim", title)), ...taken]),
      );
    return 0;
  },
};

function argumentsOf(schema: unknown): string[][] {
  if (!isRecord(schema) || !isRecord(schema["properties"])) return [];
  const required: unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  return Object.entries(schema["properties"]).map(([name, property]) => {
    const { type, description } = isRecord(property) ? property : {};
    return [
      name,
      typeof type === "string" ? type : "any",
      required.includes(name) ? "yes" : "no",
      firstLine(description),
    ];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
