// `pratique profile rm`: takes back a profile that was set.
import type { Command } from "../kit/command.ts";

export const profileRm: Command = {
  name: "profile rm",
  group: "set-up",
  summary: "take back a profile that was set",
  description: "A profile of that name in pratique.yaml counts again.",
  usage: "<name>",
  minArgs: 1,
  examples: ["pratique profile rm support"],
  async run({ args, context }) {
    const [name = ""] = args;
    const { terminal } = context;
    const removed = await (await context.client()).removeProfile(name);
    if (context.json) terminal.out(JSON.stringify(removed, null, 2));
    else
      terminal.out(
        `${terminal.paint("good", "✓")} ${name} is removed${removed.isConfigured ? "; the one of pratique.yaml counts again" : ""}`,
      );
    return 0;
  },
};
