// `pratique secret rm`: removes a secret.
import type { Command } from "../kit/command.ts";

export const secretRm: Command = {
  name: "secret rm",
  group: "set-up",
  summary: "remove a secret; servers that need it fail at their next start",
  usage: "<name>",
  minArgs: 1,
  flags: { user: { type: "boolean", summary: "your own, not the shared one" } },
  examples: ["pratique secret rm github-token", "pratique secret rm github-token --user"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const scope = flags["user"] === true ? "user" : "shared";
    const removed = await (await context.client()).removeSecret({ name: args[0] ?? "", scope });
    if (context.json) terminal.out(JSON.stringify(removed, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} removed ${removed.name}`);
    return 0;
  },
};
