// `pratique clearances`: what is cleared, and what lost its clearance and why.
import { clearanceRows } from "../kit/clearance-lines.ts";
import type { Command } from "../kit/command.ts";

export const clearances: Command = {
  name: "clearances",
  group: "everyday",
  summary: "list what is cleared, and what lost its clearance and why",
  flags: { lost: { type: "boolean", summary: "only what lost its clearance" } },
  examples: ["pratique clearances", "pratique clearances --lost"],
  async run({ flags, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).clearances(flags["lost"] === true);
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    if (answer.clearances.length > 0) terminal.out(clearanceRows(terminal, answer.clearances));
    const { cleared, lost } = answer.counts;
    terminal.note(`${cleared} cleared, ${lost} lost${answer.isDeciding ? "; artifacts are being decided anew" : ""}`);
    return 0;
  },
};
