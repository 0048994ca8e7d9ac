// `pratique policy packs`: which packs there are, and which are in force.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const policyPacks: Command = {
  name: "policy packs",
  group: "account",
  summary: "list policy packs, and which of them are in force",
  examples: ["pratique policy packs"],
  async run({ context }) {
    const { terminal } = context;
    const answer = await (await context.client()).policyPacks();
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(
        columns(
          answer.packs.map(({ name, inForce, summary }) => [
            inForce ? terminal.paint("good", "✓") : " ",
            name,
            inForce ? "in force" : "-",
            summary,
          ]),
        ),
      );
      terminal.note("  next: pratique policy simulate --pack NAME, then pratique policy add NAME");
    }
    return 0;
  },
};
