// `pratique why`: one record, and the reason for its decision.
import type { Command } from "../kit/command.ts";

export const why: Command = {
  name: "why",
  group: "everyday",
  summary: "explain a decision from its record",
  usage: "<record>",
  minArgs: 1,
  examples: ["pratique why 0197a3c2-…", "pratique audit tail"],
  async run({ args, context }) {
    const answer = await (await context.client()).why(args[0]!);
    context.terminal.out(context.json ? JSON.stringify(answer, null, 2) : answer.explanation);
    return 0;
  },
};
