// `pratique skill variants`: one reference for a skill that differs between platforms.
import type { Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { shortDigest } from "../kit/words.ts";

export const skillVariants: Command = {
  name: "skill variants",
  group: "artifacts",
  summary: "make one reference of a skill's variants for several platforms",
  usage: "<target> <platform=reference>...",
  minArgs: 2,
  maxArgs: Number.POSITIVE_INFINITY,
  examples: [
    "pratique skill variants team/ocr:1.0.0 linux/amd64=team/ocr:1.0.0-amd64 linux/arm64=team/ocr:1.0.0-arm64",
  ],
  async run({ args, context }) {
    const [target, ...pairs] = args;
    const variants = pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at <= 0) throw usageError(`\`${pair}\` is no variant`, "write it as linux/amd64=REFERENCE");
      return { platform: pair.slice(0, at), reference: pair.slice(at + 1) };
    });
    const answer = await (await context.client()).skillVariants({ target: target!, variants });
    const { terminal } = context;
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${answer.reference}  ${shortDigest(answer.digest)}`);
    return 0;
  },
};
