// `pratique skill check`: what the specification says of a skill.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command, Context } from "../kit/command.ts";
import { counted } from "../kit/words.ts";

export const skillCheck: Command = {
  name: "skill check",
  group: "artifacts",
  summary: "say what is wrong with a skill, by the specification's own rules",
  usage: "<directory, archive, git+https://…, https://host or reference>",
  minArgs: 1,
  maxArgs: 1,
  examples: ["pratique skill check ./my-skill", "pratique skill check git+https://github.com/me/skills.git#v1:pdf"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).checkSkill(skillSource(args[0]!, context));
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return answer.isValid ? 0 : 1;
    }
    const mark = answer.isValid ? terminal.paint("good", "✓ valid") : terminal.paint("bad", "✗ not valid");
    terminal.out(`${mark}  ${answer.name}  ${counted(answer.files.length, "file")}`);
    for (const warning of answer.warnings) terminal.out(`  ${warning}`);
    if (!answer.isValid) terminal.note("  next: mend it, or pratique skill import --lenient");
    return answer.isValid ? 0 : 1;
  },
};

/** A path that is there is made absolute for the daemon; everything else stays as it is. */
export function skillSource(text: string, { workingDirectory }: Pick<Context, "workingDirectory">): string {
  if (/^(?:git\+|https?:)/.test(text)) return text;
  const path = resolve(workingDirectory, text);
  return existsSync(path) || /^[./]/.test(text) ? path : text;
}
