// `pratique policy add`: puts a policy pack in force, without a restart.
import { resolve } from "node:path";
import type { Command } from "../kit/command.ts";
import { shortDigest } from "../kit/words.ts";

export const policyAdd: Command = {
  name: "policy add",
  group: "account",
  summary: "put a policy pack in force, or read one again after an edit",
  description:
    "A pack is one that comes along, by name; a directory, by path; or a signed artifact of kind policy, by reference, which is pinned by its digest. It stays in force over restarts.",
  usage: "<pack>",
  minArgs: 1,
  maxArgs: 1,
  examples: [
    "pratique policy add registry-access",
    "pratique policy add ./our-pack",
    "pratique policy add team/our-pack:1.0.0",
  ],
  async run({ args, context }) {
    const { terminal } = context;
    const named = args[0] ?? "";
    const pack = /^\.{0,2}\//.test(named) ? resolve(context.workingDirectory, named) : named;
    const answer = await (await context.client()).addPolicyPack(pack);
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      const how = answer.changed ? "is in force" : "is in force, as it was";
      terminal.out(`${terminal.paint("good", "✓")} ${answer.pack.name} ${how}, ${shortDigest(answer.policyDigest)}`);
      for (const id of answer.pack.policies) terminal.out(`  ${id}`);
      for (const note of answer.notes) terminal.note(`  ${note}`);
      if (answer.changed)
        terminal.note("  clearances under the policies before no longer count: pratique clear REFERENCE");
    }
    return 0;
  },
};
