// `pratique where-used`: which artifacts have a package or a vulnerability, and what runs from them.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { counted, shortDigest } from "../kit/words.ts";

export const whereUsed: Command = {
  name: "where-used",
  group: "artifacts",
  summary: "find what has a package or a vulnerability, and what runs from it",
  usage: "<package, purl or vulnerability>",
  minArgs: 1,
  maxArgs: 1,
  description:
    "Every artifact of the embedded registry is looked through: by its signed bill of materials, else by itself.",
  examples: [
    "pratique where-used openssl",
    "pratique where-used pkg:npm/lodash@4.17.20",
    "pratique where-used CVE-2024-3094",
  ],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).whereUsed(args[0]!);
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    const { artifacts, workloads, known, unlisted, isBehind, isFiltered, query } = answer;
    terminal.out(`${query} is in ${counted(artifacts.length, "artifact")} of ${known}`);
    if (artifacts.length > 0) {
      terminal.out(
        columns(
          artifacts.map(({ repository, digest, tags, kind, packages }) => [
            `  ${repository}${tags.length === 0 ? "" : `:${tags.join(",")}`}`,
            shortDigest(digest),
            kind,
            `${packages.slice(0, 3).join(" ")}${packages.length > 3 ? ` +${packages.length - 3}` : ""}`,
          ]),
        ),
      );
    }
    if (workloads.length > 0) {
      terminal.out(`\n${terminal.paint("warn", "running")}`);
      terminal.out(columns(workloads.map(({ type, name, digest }) => [`  ${type}`, name, shortDigest(digest)])));
    }
    if (unlisted > 0) terminal.note(`\nnobody could say what is in ${counted(unlisted, "artifact")}`);
    if (isBehind) terminal.note("\nsome artifacts are still being looked through: ask again");
    if (isFiltered) terminal.note("\nwhat you may not see is left out");
    return 0;
  },
};
