// `pratique skill convert`: the same skill in another format.
import { textFlag, type Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { shortDigest } from "../kit/words.ts";

export const skillConvert: Command = {
  name: "skill convert",
  group: "artifacts",
  summary: "write a skill in ToolHive's or the agentskills format",
  usage: "<reference> <target>",
  minArgs: 2,
  maxArgs: 2,
  flags: { format: { type: "string", value: "FORMAT", summary: "toolhive or agentskills" } },
  examples: ["pratique skill convert team/notes:1.0.0 team/notes:1.0.0-toolhive --format toolhive"],
  async run({ args, flags, context }) {
    const format = textFlag(flags, "format");
    if (format !== "toolhive" && format !== "agentskills") {
      throw usageError("--format must be toolhive or agentskills", "add it");
    }
    const answer = await (await context.client()).convertSkill({ reference: args[0]!, target: args[1]!, format });
    const { terminal } = context;
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${answer.reference}  ${shortDigest(answer.digest)}`);
    return 0;
  },
};
