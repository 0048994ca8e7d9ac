// `pratique catalog review`: what servers may do under the new catalog that they could not under the old one.
import { resolve } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { placeOf, showReview } from "../kit/catalog-words.ts";

const SHOWN = 100;

export const catalogReview: Command = {
  name: "catalog review",
  group: "artifacts",
  summary: "show what a new version lets servers do that the published one does not, and accept it",
  description: "Exits with 3 when it widens what servers may do and nobody has accepted that.",
  usage: "[directory]",
  maxArgs: 1,
  flags: {
    against: { type: "string", value: "REF|DIR", summary: "compare with this one; by default the published one" },
    to: { type: "string", value: "REPOSITORY", summary: "where it is published; by default catalogs/NAME" },
    "skip-incomplete": { type: "boolean", summary: "leave out entries that cannot be published" },
    accept: { type: "boolean", summary: "say yes to exactly this; written beside catalog.yaml" },
    all: { type: "boolean", summary: `show more than ${SHOWN} changes` },
  },
  examples: ["pratique catalog review ./catalog", "pratique catalog review ./catalog --accept"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const [against, reference] = [textFlag(flags, "against"), textFlag(flags, "to")];
    const answer = await (
      await context.client()
    ).catalogs.review({
      directory: resolve(context.workingDirectory, args[0] ?? "."),
      accept: flags["accept"] === true,
      skipIncomplete: flags["skip-incomplete"] === true,
      ...(against === undefined ? {} : { against: placeOf(against, context.workingDirectory) }),
      ...(reference === undefined ? {} : { reference }),
    });
    if (context.json) terminal.out(JSON.stringify(answer, null, 2));
    else {
      showReview(terminal, answer, flags["all"] === true ? Number.POSITIVE_INFINITY : SHOWN);
      if (answer.widens && answer.accepted) terminal.note("  accepted");
      if (answer.widens && !answer.accepted) {
        terminal.note(`  it widens what servers may do: pratique catalog review ${args[0] ?? "."} --accept`);
      }
    }
    return answer.widens && !answer.accepted ? 3 : 0;
  },
};
