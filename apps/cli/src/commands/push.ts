// `pratique push`: copy an artifact with its evidence to another registry.
import type { Command } from "../kit/command.ts";
import { CREDENTIAL_FLAGS, transferOptions } from "../kit/credentials.ts";
import { shortDigest } from "../kit/words.ts";

export const push: Command = {
  name: "push",
  group: "everyday",
  summary: "copy an artifact with its evidence to another registry",
  usage: "<reference> <target>",
  minArgs: 2,
  maxArgs: 2,
  flags: CREDENTIAL_FLAGS,
  examples: ["pratique push team/weather:1.0.0 ghcr.io/me/weather:1.0.0 --username me --password-stdin"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const answer = await (
      await context.client()
    ).push({ reference: args[0]!, target: args[1]!, ...(await transferOptions(flags)) });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else
      terminal.out(
        `${terminal.paint("good", "✓")} ${answer.reference} → ${answer.target}  ${shortDigest(answer.digest)}`,
      );
    return 0;
  },
};
