// `pratique gateway forget`: ends a login to a server.
import type { Command } from "../kit/command.ts";

export const gatewayForget: Command = {
  name: "gateway forget",
  group: "set-up",
  summary: "forget a login to a server, and revoke it where that can be done",
  usage: "<server>",
  minArgs: 1,
  examples: ["pratique gateway forget github"],
  async run({ args, context }) {
    const { terminal } = context;
    const { server } = await (await context.client()).forgetLogin(args[0] ?? "");
    if (context.json) terminal.out(JSON.stringify({ server }));
    else terminal.out(`${terminal.paint("good", "✓")} logged out of ${server}`);
    return 0;
  },
};
