// `pratique ls`: the artifacts in the embedded registry.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { shortDigest, size } from "../kit/words.ts";

export const ls: Command = {
  name: "ls",
  group: "artifacts",
  summary: "list the artifacts in the embedded registry",
  examples: ["pratique ls", "pratique ls --json"],
  async run({ context }) {
    const { terminal } = context;
    const artifacts = await (await context.client()).artifacts();
    if (context.json) terminal.out(JSON.stringify({ artifacts }, null, 2));
    else if (artifacts.length === 0) terminal.note("no artifacts yet: `pratique pack DIRECTORY` makes one");
    else {
      terminal.out(
        columns([
          ["KIND", "REFERENCE", "DIGEST", "SIZE", "SIGNED", "CLEARED"].map((title) => terminal.paint("dim", title)),
          ...artifacts.map((artifact) => [
            artifact.kind,
            artifact.reference,
            shortDigest(artifact.digest),
            size(artifact.sizeBytes),
            artifact.signed ? "yes" : "no",
            artifact.cleared ? terminal.paint("good", "yes") : terminal.paint("bad", "no"),
          ]),
        ]),
      );
    }
    return 0;
  },
};
