// `pratique profile show`: one profile, as YAML that `profile set` takes.
import { stringify } from "yaml";
import { cliErrors } from "../errors.ts";
import type { Command } from "../kit/command.ts";

export const profileShow: Command = {
  name: "profile show",
  group: "everyday",
  summary: "show a profile of the gateway, as YAML",
  usage: "<name>",
  minArgs: 1,
  examples: ["pratique profile show support", "pratique profile show support > support.yaml"],
  async run({ args, context }) {
    const [name = ""] = args;
    const { terminal } = context;
    const found = (await (await context.client()).profiles()).find((profile) => profile.name === name);
    if (found === undefined) throw cliErrors("cli.unknown-profile", { name });
    terminal.out(context.json ? JSON.stringify(found, null, 2) : stringify(found.profile).trimEnd());
    return 0;
  },
};
