// `pratique waiver ls`: what is waived, why, by whom, and until when.
import { scopeWords } from "../kit/clearance-lines.ts";
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const waiverLs: Command = {
  name: "waiver ls",
  group: "artifacts",
  summary: "list waivers: what, why, by whom, until when",
  flags: { all: { type: "boolean", summary: "expired and removed ones, too" } },
  examples: ["pratique waiver ls", "pratique waiver ls --all"],
  async run({ flags, context }) {
    const { terminal } = context;
    const all = await (await context.client()).waivers();
    const waivers = all.filter(({ state }) => flags["all"] === true || state === "in-force");
    if (context.json) terminal.out(JSON.stringify(waivers, null, 2));
    else if (waivers.length === 0)
      terminal.note(all.length === 0 ? "no waivers" : "none is in force; --all shows the rest");
    else {
      const rows = waivers.map(({ waiver: { id, scope, reason, by, expires }, state }) => [
        id,
        terminal.paint(state === "in-force" ? "warn" : "dim", state),
        scopeWords(scope),
        `until ${expires}`,
        by,
        reason,
      ]);
      terminal.out(columns(rows, terminal.width));
    }
    return 0;
  },
};
