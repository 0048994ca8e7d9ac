// `pratique skill sync`: what the lock file says, installed again.
import type { Command } from "../kit/command.ts";
import { projectOf } from "../kit/skill-places.ts";
import { printSkills } from "../kit/skills.ts";

export const skillSync: Command = {
  name: "skill sync",
  group: "artifacts",
  summary: "install the skills of skills.lock.json, by the digests that it pins",
  minArgs: 0,
  maxArgs: 0,
  flags: { user: { type: "boolean", summary: "those of all your projects, below your home directory" } },
  examples: ["pratique skill sync"],
  async run({ flags, context }) {
    const project = projectOf(context, flags["user"] === true);
    const answer = await (await context.client()).syncSkills({ project });
    printSkills(context, answer, "nothing is pinned: there is no skills.lock.json, or it is empty");
    return 0;
  },
};
