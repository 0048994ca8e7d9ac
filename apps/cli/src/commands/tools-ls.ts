// `pratique tools ls`: the tools that you may call through the gateway.
import { textFlag, type Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { firstLine, toolName } from "../kit/tool-lines.ts";

export const toolsLs: Command = {
  name: "tools ls",
  group: "everyday",
  summary: "list the tools that you may call through the gateway",
  description: "What policy does not let you see is not in the list.",
  flags: {
    profile: { type: "string", value: "NAME", summary: "a profile, or names of servers joined by +" },
  },
  examples: ["pratique tools ls", "pratique tools ls --profile support", "pratique tools ls --json"],
  async run({ flags, context }) {
    const { terminal } = context;
    const profile = textFlag(flags, "profile");
    const tools = await (await context.client()).tools(profile);
    if (context.json) {
      terminal.out(JSON.stringify({ tools }, null, 2));
      return 0;
    }
    if (tools.length === 0)
      terminal.out(
        profile === undefined
          ? "no tools; pratique server ls shows the servers, pratique server add adds one"
          : `no tools at /mcp/${profile}; pratique profile ls and pratique server ls show what there is`,
      );
    else
      terminal.out(
        columns([
          ["TOOL", "WHAT IT DOES"].map((title) => terminal.paint("dim", title)),
          ...tools.map((tool) => [toolName(tool), firstLine(tool["description"])]),
        ]),
      );
    return 0;
  },
};
