// `pratique sign`: signs an artifact's digest with the owner's key.
import type { Command } from "../kit/command.ts";
import { shortDigest } from "../kit/words.ts";

export const sign: Command = {
  name: "sign",
  group: "everyday",
  summary: "sign an artifact; cosign can verify it",
  usage: "<reference>",
  minArgs: 1,
  examples: ["pratique sign team/weather:1.0.0"],
  async run({ args, context }) {
    const answer = await (await context.client()).sign(args[0]!);
    if (context.json) context.terminal.out(JSON.stringify(answer, null, 2));
    else {
      context.terminal.out(
        `${context.terminal.paint("good", "✓")} signed ${answer.reference}  ${shortDigest(answer.digest)}`,
      );
      context.terminal.note(`  key ${answer.keyId}\n  next: pratique clear ${answer.reference}`);
    }
    return 0;
  },
};
