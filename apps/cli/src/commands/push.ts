// `pratique push`: copy an artifact with its evidence to another registry.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { CREDENTIAL_FLAGS, transferOptions } from "../kit/credentials.ts";
import { followMove, followPack } from "../kit/follow-transfer.ts";
import { MODEL_FORM_FLAGS, modelForm } from "../kit/model-form.ts";
import { usageError } from "../kit/run-command.ts";
import { shortDigest, size } from "../kit/words.ts";

export const push: Command = {
  name: "push",
  group: "everyday",
  summary: "copy an artifact, or a directory as one, to another registry",
  description:
    "What begins with `.` or `/` is a directory: it is packed on its way, with SBOM and provenance, and no copy stays here.",
  usage: "<reference|directory> <target>",
  minArgs: 2,
  maxArgs: 2,
  flags: {
    ...CREDENTIAL_FLAGS,
    kind: { type: "string", value: "KIND", summary: "of a directory, when it is not plain" },
    ...MODEL_FORM_FLAGS,
  },
  examples: [
    "pratique push team/weather:1.0.0 ghcr.io/me/weather:1.0.0 --username me --password-stdin",
    "pratique push ./model ghcr.io/me/model:1.0.0",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const [from = "", target = ""] = args;
    const isDirectory = /^\.{0,2}\//.test(from) || from === "." || from === "..";
    const options = await transferOptions(flags);
    const client = await context.client();
    const model = modelForm(flags);
    const form = Object.keys(model).length === 0 ? {} : { model };
    if (!isDirectory && "model" in form)
      throw usageError("--format and --dual are for directories", "write the artifact anew with `pratique convert`");
    if (isDirectory) {
      const kind = textFlag(flags, "kind");
      const directory = resolve(context.workingDirectory, from);
      const request = {
        directory,
        target,
        ...options,
        ...(kind === undefined ? {} : { kind: kind as "model" }),
        ...form,
      };
      const packed = await followPack(context, client, { type: "push-directory", request });
      if (context.json) terminal.out(JSON.stringify(packed, null, 2));
      else {
        const what = `${packed.kind} ${packed.reference}  ${shortDigest(packed.digest)}  ${size(packed.sizeBytes)}`;
        terminal.out(`${terminal.paint("good", "✓")} ${what}`);
      }
      return 0;
    }
    const { warnings } = await client.checkPush({ reference: from, target });
    for (const warning of warnings) terminal.note(`${terminal.paint("warn", "!")} ${warning}`);
    const answer = await followMove(context, client, {
      type: "push",
      request: { reference: from, target, ...options },
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else
      terminal.out(
        `${terminal.paint("good", "✓")} ${answer.reference} → ${answer.target}  ${shortDigest(answer.digest)}`,
      );
    return 0;
  },
};
