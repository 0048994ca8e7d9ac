// `pratique sign`: signs an artifact's digest, and a model's files.
import { resolve } from "node:path";
import type { Command, Context, ExitCode, Flags } from "../kit/command.ts";
import { textFlag } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { KEYLESS_FLAGS, signKeyless } from "../kit/sign-keyless.ts";
import { shortDigest } from "../kit/words.ts";

export const sign: Command = {
  name: "sign",
  group: "everyday",
  summary: "sign an artifact; cosign can verify it",
  description:
    "Signs with the key `signing.key` of pratique.yaml, the owner's by default. With --oms a model's files are signed too, " +
    "as OpenSSF Model Signing does: of a model artifact as a referrer, of a directory (./dir or /dir) as its model.sig.",
  usage: "<reference|directory>",
  minArgs: 1,
  maxArgs: 1,
  flags: {
    key: { type: "string", value: "NAME|URI", summary: "another key: see `pratique key ls`" },
    format: { type: "string", value: "FORM", summary: "bundle (default), legacy (cosign 2's .sig tag), or both" },
    oms: { type: "boolean", summary: "sign a model's files (OpenSSF Model Signing)" },
    signature: { type: "string", value: "FILE", summary: "of a directory: where the signature goes, not model.sig" },
    ignore: { type: "string", value: "PATH", multiple: true, summary: "of a directory: leave this out" },
    ...KEYLESS_FLAGS,
  },
  examples: [
    "pratique sign team/weather:1.0.0",
    "pratique sign team/weather:1.0.0 --key release --format both",
    "pratique sign ./my-model --oms",
    "pratique sign team/weather:1.0.0 --keyless --identity-token token.txt",
  ],
  async run(input) {
    const { flags, args, context } = input;
    const [target = ""] = args;
    if (flags["keyless"] === true) {
      const other = ["key", "format", "oms", "signature", "ignore"].find((name) => flags[name] !== undefined);
      if (other !== undefined) throw usageError(`--keyless does not go with --${other}`, "sign twice, once with each");
      return await signKeyless(input);
    }
    if (isDirectory(target)) return await signDirectory(target, flags, context);
    const format = formOf(flags);
    const key = textFlag(flags, "key");
    if (flags["signature"] !== undefined || flags["ignore"] !== undefined) {
      throw usageError("--signature and --ignore are for directories", `write ./${target} when it is one`);
    }
    const answer = await (
      await context.client()
    ).sign(target, {
      ...(key === undefined ? {} : { key }),
      ...(format === undefined ? {} : { format }),
      ...(flags["oms"] === true ? { oms: true } : {}),
    });
    const { terminal } = context;
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      terminal.out(`${terminal.paint("good", "✓")} signed ${answer.reference}  ${shortDigest(answer.digest)}`);
      if (answer.legacyTag !== undefined) terminal.note(`  in the old form at tag ${answer.legacyTag}`);
      if (answer.oms !== undefined) {
        terminal.note(`  model signature over ${answer.oms.files} files, root sha256:${answer.oms.root}`);
      }
      terminal.note(`  key ${answer.keyId}\n  next: pratique clear ${answer.reference}`);
    }
    return 0;
  },
};

/** A directory is written as a path, so that no reference is ever taken for one. */
export function isDirectory(target: string): boolean {
  return /^(?:\.{1,2}$|\.{1,2}\/|\/|~\/)/.test(target);
}

async function signDirectory(target: string, flags: Flags, context: Context): Promise<ExitCode> {
  if (flags["oms"] !== true) {
    throw usageError(`${target} is a directory`, "add --oms to sign the files of a model, or pack it first");
  }
  const at = (path: string): string => resolve(context.workingDirectory, path);
  const key = textFlag(flags, "key");
  const signature = textFlag(flags, "signature");
  const ignore = Array.isArray(flags["ignore"]) ? flags["ignore"] : undefined;
  const answer = await (
    await context.client()
  ).signDirectory({
    directory: at(target),
    ...(key === undefined ? {} : { key }),
    ...(signature === undefined ? {} : { signature: at(signature) }),
    ...(ignore === undefined ? {} : { ignore }),
  });
  const { terminal } = context;
  if (context.json) terminal.out(JSON.stringify(answer, null, 2));
  else {
    terminal.out(`${terminal.paint("good", "✓")} signed ${answer.files} files of ${answer.directory}`);
    terminal.note(`  ${answer.signature}\n  root sha256:${answer.root}\n  left out ${answer.ignored.join(", ")}`);
  }
  return 0;
}

function formOf(flags: Flags): "bundle" | "legacy" | "both" | undefined {
  const format = textFlag(flags, "format");
  if (format === undefined || format === "bundle" || format === "legacy" || format === "both") return format;
  throw usageError(`there is no form \`${format}\``, "bundle, legacy or both");
}
