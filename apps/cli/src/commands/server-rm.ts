// `pratique server rm`: a server that was added goes.
import type { Command } from "../kit/command.ts";

export const serverRm: Command = {
  name: "server rm",
  group: "everyday",
  summary: "remove a server that was added with pratique server add",
  description: "Its processes end. What stands under gateway.servers in pratique.yaml is removed there.",
  usage: "<name>",
  minArgs: 1,
  maxArgs: 1,
  examples: ["pratique server rm harbour"],
  async run({ args, context }) {
    const { terminal } = context;
    const removed = await (await context.client()).removeServer(args[0] ?? "");
    if (context.json) terminal.out(JSON.stringify(removed, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} removed ${removed.name}`);
    return 0;
  },
};
