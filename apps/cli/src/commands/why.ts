// `pratique why`: one record, and the reason for its decision.
import type { Command } from "../kit/command.ts";

export const why: Command = {
  name: "why",
  group: "everyday",
  summary: "explain a decision from its record",
  usage: "<record>",
  minArgs: 1,
  description: "A record is named by its number in `pratique audit tail`, or by its id.",
  examples: ["pratique audit tail --denied", "pratique why 28"],
  async run({ args, context }) {
    const answer = await (await context.client()).why(args[0]!);
    context.terminal.out(context.json ? JSON.stringify(answer, null, 2) : answer.explanation);
    return 0;
  },
};
