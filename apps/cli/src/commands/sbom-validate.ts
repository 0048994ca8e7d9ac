// `pratique sbom validate`: whether a file is a bill of materials as its format's official schema wants it.
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { isPratiqueError, readBounded } from "@pratique/core";
import type { Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { counted } from "../kit/words.ts";

export const sbomValidate: Command = {
  name: "sbom validate",
  group: "artifacts",
  summary: "check a bill of materials against the official schema of its format",
  description: "CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 and 3.0.1. Needs no daemon. Exits with 1 when it is not valid.",
  usage: "<file>",
  minArgs: 1,
  maxArgs: 1,
  examples: ["pratique sbom validate weather.spdx.json"],
  async run({ args, context }) {
    const { terminal } = context;
    const { readSbomDocument, SBOM_LIMIT_BYTES, sbomJsonOf, SbomValidator } = await import("@pratique/sbom");
    const path = resolve(context.workingDirectory, args[0]!);
    const json = sbomJsonOf(await readBounded(createReadStream(path), SBOM_LIMIT_BYTES, path).catch(unreadable(path)));
    const answer = await new SbomValidator().validate(json);
    const isValid = answer.problems.length === 0;
    // What the schema lets pass may still be none to us: then that is said, too.
    const components = isValid ? readSbomDocument(json).components.length : 0;
    if (context.json) terminal.out(JSON.stringify({ valid: isValid, ...answer }, null, 2));
    else if (isValid) {
      terminal.out(`${terminal.paint("good", "✓")} valid ${answer.format ?? ""}, ${counted(components, "component")}`);
    } else {
      terminal.out(`${terminal.paint("bad", "✗")} ${answer.format ?? "unknown format"}`);
      for (const { at, reason } of answer.problems) terminal.out(`  ${at === "" ? "/" : at}  ${reason}`);
    }
    return isValid ? 0 : 1;
  },
};

function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    if (isPratiqueError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(`${path} cannot be read`, reason);
  };
}
