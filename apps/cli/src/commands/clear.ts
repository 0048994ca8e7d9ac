// `pratique clear`: verify, decide by policy, and sign the outcome.
import type { Command } from "../kit/command.ts";
import { shortDigest } from "../kit/words.ts";
import { refusal } from "../kit/refusal.ts";

export const clear: Command = {
  name: "clear",
  group: "everyday",
  summary: "let policy decide over an artifact's evidence, and sign the clearance",
  usage: "<reference>",
  minArgs: 1,
  examples: ["pratique clear team/weather:1.0.0"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).clear(args[0]!);
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else if (answer.cleared) {
      terminal.out(`${terminal.paint("good", "✓")} cleared ${answer.reference}  ${shortDigest(answer.digest)}`);
      terminal.note(`  under policy ${shortDigest(answer.decision.policyDigest)}`);
    } else terminal.out(refusal(terminal, `${answer.reference} is not cleared`, answer.decision));
    return answer.cleared ? 0 : 3;
  },
};
