// `pratique db update`: asks the configured sources of advisories for what is new.
import { printChange } from "../kit/advisory-lines.ts";
import type { Command } from "../kit/command.ts";

export const dbUpdate: Command = {
  name: "db update",
  group: "artifacts",
  summary: "ask the sources of advisories for what is new",
  description:
    "Only what changed is fetched where the source says what did. What was imported before stays when a source fails.\nThe daemon does the same every vulnerabilities.update.",
  usage: "[source]",
  maxArgs: 1,
  examples: ["pratique db update", "pratique db update debian --json"],
  async run({ args, context }) {
    const [source] = args;
    const client = await context.client();
    return printChange(context, await client.updateAdvisories(source === undefined ? {} : { source }));
  },
};
