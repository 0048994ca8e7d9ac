// `pratique catalog diff`: two catalogs, and what servers may do under the second that they could not under the first.
import { type Command } from "../kit/command.ts";
import { placeOf, showReview } from "../kit/catalog-words.ts";

const SHOWN = 100;

export const catalogDiff: Command = {
  name: "catalog diff",
  group: "artifacts",
  summary: "compare two catalogs: published ones, or directories",
  usage: "<reference or directory> <reference or directory>",
  minArgs: 2,
  maxArgs: 2,
  flags: {
    all: { type: "boolean", summary: `show more than ${SHOWN} changes` },
    "exit-code": { type: "boolean", summary: "exit with 1 when they differ" },
  },
  examples: [
    "pratique catalog diff catalogs/acme:1.0.0 catalogs/acme:1.1.0",
    "pratique catalog diff catalogs/acme:latest ./catalog --exit-code",
  ],
  async run({ args, flags, context }) {
    const [from, to] = args.map((one) => placeOf(one, context.workingDirectory));
    const answer = await (await context.client()).catalogs.diff({ from: from!, to: to! });
    if (context.json) context.terminal.out(JSON.stringify(answer, null, 2));
    else showReview(context.terminal, answer, flags["all"] === true ? Number.POSITIVE_INFINITY : SHOWN);
    return flags["exit-code"] === true && answer.changes.length > 0 ? 1 : 0;
  },
};
