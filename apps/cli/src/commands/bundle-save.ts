// `pratique bundle save`: artifacts with their evidence in one file.
import { resolve } from "node:path";
import type { Command } from "../kit/command.ts";
import { counted, shortDigest, size } from "../kit/words.ts";

export const bundleSave: Command = {
  name: "bundle save",
  group: "artifacts",
  summary: "write artifacts, with what agents name and all evidence, into one file",
  description: "The file is an OCI image layout in a tar: skopeo and podman read it as `oci-archive:`.",
  usage: "<file> <reference>...",
  minArgs: 2,
  maxArgs: Number.POSITIVE_INFINITY,
  flags: { force: { type: "boolean", summary: "replace the file when it is there" } },
  examples: ["pratique bundle save voyage.tar voyage/agent:1.0.0"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const [file, ...references] = args;
    const answer = await (
      await context.client()
    ).saveBundle({ file: resolve(context.workingDirectory, file!), references, force: flags["force"] === true });
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    terminal.out(
      `${terminal.paint("good", "✓")} ${answer.file}  ${size(answer.sizeBytes)}, ${counted(answer.blobs, "blob")}`,
    );
    for (const { reference, digest } of answer.artifacts) terminal.out(`  ${shortDigest(digest)}  ${reference}`);
    terminal.note(`  where it is needed: pratique bundle load ${file!}`);
    return 0;
  },
};
