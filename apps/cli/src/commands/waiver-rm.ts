// `pratique waiver rm`: takes a waiver back.
import { scopeWords } from "../kit/clearance-lines.ts";
import type { Command } from "../kit/command.ts";

export const waiverRm: Command = {
  name: "waiver rm",
  group: "artifacts",
  summary: "take a waiver back; what was cleared by it alone loses its clearance",
  usage: "<waiver>",
  minArgs: 1,
  examples: ["pratique waiver ls", "pratique waiver rm 0197e0a2-5c1e-7c3a-9f55-0c3a5b1d2e4f"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).removeWaiver(args[0] ?? "");
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} taken back: ${scopeWords(answer.waiver.scope)}`);
    return 0;
  },
};
