// `pratique profile set`: a profile without editing pratique.yaml and without a restart.
import { resolve } from "node:path";
import type { ProfileSetRequest } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";
import { readYamlFile } from "../kit/yaml-file.ts";

export const profileSet: Command = {
  name: "profile set",
  group: "set-up",
  summary: "set a profile of the gateway from a YAML file, and keep it",
  description:
    "The file says what would stand under gateway.profiles.NAME in pratique.yaml. It counts at once, and over a profile of that name in the configuration; clients are told that their lists have changed.",
  usage: "<name> <file>",
  minArgs: 2,
  maxArgs: 2,
  examples: ["pratique profile set support ./support.yaml"],
  async run({ args, context }) {
    const [name = "", file = ""] = args;
    const { terminal } = context;
    const path = resolve(context.workingDirectory, file);
    // The daemon checks it; here it only has to be JSON.
    const profile = ((await readYamlFile(path, "pratique profile set support ./support.yaml")) ??
      {}) as ProfileSetRequest["profile"];
    const set = await (await context.client()).setProfile({ name, profile });
    if (context.json) terminal.out(JSON.stringify(set, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${set.name}  ${set.url}`);
    return 0;
  },
};
