// `pratique rollback`: lets a tag name again what it named before.
import { textFlag, type Command } from "../kit/command.ts";
import { shortDigest } from "../kit/words.ts";

export const rollback: Command = {
  name: "rollback",
  group: "artifacts",
  summary: "let a tag name again what it named before",
  usage: "<reference>",
  minArgs: 1,
  maxArgs: 1,
  description: "It is a move like any other: recorded, and undone by another rollback.",
  flags: {
    to: { type: "string", value: "DIGEST|N", summary: "a digest, or how many moves back (default 1)" },
    "override-immutable": { type: "boolean", summary: "ask policy to let an immutable tag be moved" },
  },
  examples: ["pratique rollback team/app:latest", "pratique rollback team/app:latest --to 2"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const to = textFlag(flags, "to");
    const steps = to !== undefined && /^\d{1,4}$/.test(to) ? Number(to) : to;
    const answer = await (
      await context.client()
    ).rollback({
      reference: args[0]!,
      ...(steps === undefined ? {} : { to: steps }),
      overrideImmutable: flags["override-immutable"] === true,
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      const from = answer.from === undefined ? "" : ` (was ${shortDigest(answer.from)})`;
      terminal.out(`${answer.reference} is ${shortDigest(answer.to)} again${from}`);
    }
    return 0;
  },
};
