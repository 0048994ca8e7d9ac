// `pratique history`: what a tag has named, who moved it, and when.
import type { TagMove } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";
import { principalName } from "../kit/principals.ts";
import { columns } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

export const history: Command = {
  name: "history",
  group: "artifacts",
  summary: "show what a tag has named, who moved it and when",
  usage: "<reference>",
  minArgs: 1,
  maxArgs: 1,
  description:
    "Newest first. BACK is the number for `pratique rollback --to`; a digest in brackets is no longer there. RECORD is what `pratique why` takes.",
  examples: ["pratique history team/app:latest", "pratique history team/app:latest --json"],
  async run({ args, context }) {
    const { terminal } = context;
    const answer = await (await context.client()).history(args[0]!);
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    const now = answer.digest === undefined ? "deleted" : shortDigest(answer.digest);
    terminal.out(`${answer.reference} is ${now}${answer.isImmutable ? ", immutable" : ""}\n`);
    let back = 0;
    terminal.out(
      columns([
        ["TIME", "BEFORE", "AFTER", "BACK", "WHO", "ACT", "RECORD"].map((title) => terminal.paint("dim", title)),
        ...answer.moves.map((move) => [
          move.time.replace(/\.\d+Z$/, "Z"),
          before(move),
          move.to === undefined ? "(deleted)" : shortDigest(move.to),
          move.from === undefined ? "-" : String((back += 1)),
          move.principal === undefined ? terminal.paint("bad", "unattributed") : principalName(move.principal),
          move.action ?? "-",
          move.record ?? "-",
        ]),
      ]),
    );
    return 0;
  },
};

function before({ from, isFromThere }: TagMove): string {
  if (from === undefined) return "-";
  return isFromThere ? shortDigest(from) : `[${shortDigest(from)}]`;
}
