// `pratique skill install`: cleared skills, where agents read them.
import type { Command } from "../kit/command.ts";
import { AGENT_NAMES, placesOf, projectOf } from "../kit/skill-places.ts";
import { printSkills } from "../kit/skills.ts";

export const skillInstall: Command = {
  name: "skill install",
  group: "artifacts",
  summary: "put cleared skills where agents read them, and pin them in skills.lock.json",
  description:
    "Installing a skill lets agents follow it: policy decides as for running it. skills.json says what the project wants, skills.lock.json which digests it has; `pratique skill sync` installs those again.",
  usage: "<reference>...",
  minArgs: 1,
  maxArgs: Number.POSITIVE_INFINITY,
  flags: {
    agent: { type: "string", value: "NAME", multiple: true, summary: `whose directory: ${AGENT_NAMES.join(", ")}` },
    user: { type: "boolean", summary: "for all of your projects, below your home directory" },
    replace: { type: "boolean", summary: "replace a skill of the same name" },
  },
  examples: [
    "pratique skill install team/notes:1.0.0",
    "pratique skill install team/notes:1.0.0 --agent claude --agent codex",
  ],
  async run({ args, flags, context }) {
    const { agent } = flags;
    const answer = await (
      await context.client()
    ).installSkills({
      references: [...args],
      project: projectOf(context, flags["user"] === true),
      places: placesOf(Array.isArray(agent) ? agent : []),
      replace: flags["replace"] === true,
    });
    printSkills(context, answer, "");
    return 0;
  },
};
