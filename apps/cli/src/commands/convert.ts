// `pratique convert`: the same model in another format.
import type { Command } from "../kit/command.ts";
import { modelForm, MODEL_FORM_FLAGS } from "../kit/model-form.ts";
import { usageError } from "../kit/run-command.ts";
import { shortDigest, size } from "../kit/words.ts";

export const convert: Command = {
  name: "convert",
  group: "artifacts",
  summary: "write a model in another format",
  description:
    "Reads ModelPack, Docker's model format, KitOps, ModelCar images and Ollama, and writes each of them. What a format has no place for is kept in an annotation, so that converting back loses nothing.",
  usage: "<reference> <target>",
  minArgs: 2,
  maxArgs: 2,
  flags: MODEL_FORM_FLAGS,
  examples: [
    "pratique convert team/tiny-chat:1.0.0 team/tiny-chat:1.0.0-car --format modelcar",
    "pratique convert team/tiny-chat:1.0.0 team/tiny-chat:1.0.0-dual --format modelpack --dual",
  ],
  async run({ args, flags, context }) {
    const form = modelForm(flags);
    const { format, isDual } = form;
    if (format === undefined)
      throw usageError("--format is missing", "add the format it shall have, e.g. --format docker");
    const [reference = "", target = ""] = args;
    const request = { reference, target, format, ...(isDual === undefined ? {} : { isDual }) };
    const answer = await (await context.client()).convertModel(request);
    const { terminal } = context;
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      const what = `${answer.reference}  ${shortDigest(answer.digest)}  ${size(answer.sizeBytes)}`;
      terminal.out(`${terminal.paint("good", "✓")} ${what}`);
      for (const note of answer.notes) terminal.note(`  note: ${note}`);
      terminal.note(`  next: pratique sign ${answer.reference}`);
    }
    return 0;
  },
};
