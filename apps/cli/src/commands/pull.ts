// `pratique pull`: copy an artifact with its evidence from another registry.
import type { Command } from "../kit/command.ts";
import { CREDENTIAL_FLAGS, transferOptions } from "../kit/credentials.ts";
import { followMove } from "../kit/follow-transfer.ts";
import { shortDigest } from "../kit/words.ts";

export const pull: Command = {
  name: "pull",
  group: "everyday",
  summary: "copy an artifact with its evidence from another registry",
  usage: "<reference> [name]",
  minArgs: 1,
  maxArgs: 2,
  flags: CREDENTIAL_FLAGS,
  examples: ["pratique pull ghcr.io/me/weather:1.0.0", "pratique pull ghcr.io/me/weather:1.0.0 team/weather:1.0.0"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const request = {
      reference: args[0]!,
      ...(args[1] === undefined ? {} : { target: args[1] }),
      ...(await transferOptions(flags)),
    };
    const answer = await followMove(context, await context.client(), { type: "pull", request });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else
      terminal.out(
        `${terminal.paint("good", "✓")} ${answer.reference} → ${answer.target}  ${shortDigest(answer.digest)}`,
      );
    return 0;
  },
};
