// `pratique bundle load`: bring in what `bundle save` wrote.
import { resolve } from "node:path";
import type { Command } from "../kit/command.ts";
import { printImported } from "../kit/imported.ts";

export const bundleLoad: Command = {
  name: "bundle load",
  group: "artifacts",
  summary: "bring in the artifacts and evidence of a bundle",
  usage: "<file>",
  minArgs: 1,
  maxArgs: 1,
  examples: ["pratique bundle load voyage.tar"],
  async run({ args, context }) {
    const path = resolve(context.workingDirectory, args[0]!);
    printImported(context, await (await context.client()).import({ path }));
    return 0;
  },
};
