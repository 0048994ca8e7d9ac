// `pratique profile set`: a profile without editing pratique.yaml and without a restart.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ProfileSetRequest } from "@pratique/contracts";
import { parse } from "yaml";
import type { Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";

const FILE_LIMIT = 256 * 1024;

export const profileSet: Command = {
  name: "profile set",
  group: "set-up",
  summary: "set a profile of the gateway from a YAML file, and keep it",
  description:
    "The file says what would stand under gateway.profiles.NAME in pratique.yaml. It counts at once, and over a profile\nof that name in the configuration; clients are told that their lists have changed.",
  usage: "<name> <file>",
  minArgs: 2,
  maxArgs: 2,
  examples: ["pratique profile set support ./support.yaml"],
  async run({ args, context }) {
    const [name = "", file = ""] = args;
    const { terminal } = context;
    const text = await readFile(resolve(context.workingDirectory, file), "utf8");
    if (text.length > FILE_LIMIT)
      throw usageError(`${file} is too large`, "pratique profile set support ./support.yaml");
    const value: unknown = parse(text, { maxAliasCount: 0 });
    // The daemon checks it; here it only has to be JSON.
    const profile = JSON.parse(JSON.stringify(value ?? {})) as ProfileSetRequest["profile"];
    const set = await (await context.client()).setProfile({ name, profile });
    if (context.json) terminal.out(JSON.stringify(set, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${set.name}  ${set.url}`);
    return 0;
  },
};
