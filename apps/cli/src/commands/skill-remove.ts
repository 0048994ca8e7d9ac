// `pratique skill remove`: takes a skill out of the project again.
import type { Command } from "../kit/command.ts";
import { projectOf } from "../kit/skill-places.ts";
import { printSkills } from "../kit/skills.ts";

export const skillRemove: Command = {
  name: "skill remove",
  group: "artifacts",
  summary: "take an installed skill out of the project, and out of its lock file",
  usage: "<name>",
  minArgs: 1,
  maxArgs: 1,
  flags: { user: { type: "boolean", summary: "one of all your projects, below your home directory" } },
  examples: ["pratique skill remove notes"],
  async run({ args, flags, context }) {
    const project = projectOf(context, flags["user"] === true);
    printSkills(context, await (await context.client()).removeSkill({ project, name: args[0]! }), "");
    return 0;
  },
};
