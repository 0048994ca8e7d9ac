// `pratique skill import`: a skill from anywhere becomes an artifact.
import type { Command } from "../kit/command.ts";
import { shortDigest } from "../kit/words.ts";
import { skillSource } from "./skill-check.ts";

export const skillImport: Command = {
  name: "skill import",
  group: "artifacts",
  summary: "pack a skill from an archive, git, a web site, or another format",
  description:
    "Reads directories, .zip, .tar and .tar.gz, git repositories, sites with a list of skills under /.well-known, and artifacts in the formats of agentskills, ToolHive, Alibaba ACR, RamaLama and plain images.",
  usage: "<source> [repository[:tag]]",
  minArgs: 1,
  maxArgs: 2,
  flags: {
    lenient: { type: "boolean", summary: "take a skill that breaks rules, mend it and say what was mended" },
  },
  examples: [
    "pratique skill import notes.zip team/notes:1.0.0",
    "pratique skill import git+https://github.com/me/skills.git#v1:pdf team/pdf:1.0.0 --lenient",
    "pratique skill import https://example.com#code-review",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const answer = await (
      await context.client()
    ).importSkill({
      source: skillSource(args[0]!, context),
      ...(args[1] === undefined ? {} : { reference: args[1] }),
      lenient: flags["lenient"] === true,
    });
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    terminal.out(`${terminal.paint("good", "✓")} skill ${answer.reference}  ${shortDigest(answer.digest)}`);
    for (const warning of answer.warnings) terminal.note(`  ${warning}`);
    terminal.note(`  next: pratique sign ${answer.reference}`);
    return 0;
  },
};
