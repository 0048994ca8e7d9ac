// `pratique delta`: make an artifact cheap to move for whoever has the one it was made from.
import type { Command } from "../kit/command.ts";
import { shortDigest, size } from "../kit/words.ts";

export const delta: Command = {
  name: "delta",
  group: "artifacts",
  summary: "hang a delta on an artifact, so that it moves as its difference from another one",
  usage: "<reference> <base>",
  minArgs: 2,
  maxArgs: 2,
  examples: ["pratique delta team/assistant:2.0.0 team/assistant:1.0.0"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).delta({ reference: args[0]!, base: args[1]! });
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    terminal.out(`${terminal.paint("good", "✓")} ${answer.reference}  delta ${shortDigest(answer.digest)}`);
    for (const { target, targetBytes, deltaBytes } of answer.layers) {
      const percent = ((100 * deltaBytes) / targetBytes).toFixed(1);
      terminal.out(`  ${shortDigest(target)}  ${size(targetBytes)} → ${size(deltaBytes)} (${percent} %)`);
    }
    terminal.note(`  it is pushed with the artifact; whoever has ${answer.base} pulls the difference only`);
    return 0;
  },
};
