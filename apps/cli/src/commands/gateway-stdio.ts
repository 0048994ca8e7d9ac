// `pratique gateway stdio`: the gateway for clients that speak over standard streams only.
import { textFlag, type Command } from "../kit/command.ts";
import { ownerToken } from "../kit/owner-token.ts";
import { runStdioBridge } from "../mcp-clients/stdio-bridge.ts";

export const gatewayStdio: Command = {
  name: "gateway stdio",
  group: "set-up",
  summary: "be an MCP server on standard streams that stands for the gateway",
  description: "Clients start it; `gateway connect` writes it into their configuration. The token never stands there.",
  flags: { profile: { type: "string", value: "NAME", summary: "the servers and tools that it shows; by default all" } },
  examples: ["pratique gateway stdio", "pratique gateway stdio --profile team"],
  async run({ flags, context }) {
    const { terminal, home } = context;
    const profile = textFlag(flags, "profile");
    const origin = new URL(await context.daemonUrl()).origin;
    await runStdioBridge({
      url: `${origin}/mcp${profile === undefined ? "" : `/${encodeURIComponent(profile)}`}`,
      token: () => ownerToken(home),
      input: process.stdin,
      write: (line) => terminal.out(line),
      note: (text) => terminal.note(text),
      signal: context.interrupted,
    });
    return 0;
  },
};
