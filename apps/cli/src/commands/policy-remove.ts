// `pratique policy remove`: takes a policy pack out of force.
import type { Command } from "../kit/command.ts";
import { shortDigest } from "../kit/words.ts";

export const policyRemove: Command = {
  name: "policy remove",
  group: "account",
  summary: "take a policy pack out of force",
  usage: "<pack>",
  minArgs: 1,
  maxArgs: 1,
  examples: ["pratique policy remove registry-access"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).removePolicyPack(args[0] ?? "");
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      const { pack, policyDigest, notes } = answer;
      terminal.out(`${terminal.paint("good", "✓")} ${pack.name} is out of force, ${shortDigest(policyDigest)}`);
      for (const note of notes) terminal.note(`  ${note}`);
      if (answer.changed)
        terminal.note("  clearances under the policies before no longer count: pratique clear REFERENCE");
    }
    return 0;
  },
};
