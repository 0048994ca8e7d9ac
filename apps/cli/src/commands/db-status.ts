// `pratique db status`: where advisories come from, and how old they are.
import type { Command } from "../kit/command.ts";
import { printStatus } from "../kit/advisory-lines.ts";

export const dbStatus: Command = {
  name: "db status",
  group: "artifacts",
  summary: "show where advisories come from, and how old they are",
  description:
    "`current`, `stale` (older than vulnerabilities.staleAfter), `unavailable` (it cannot be fetched, and what is there is missing or stale) and `not-checked` (it was never fetched) are four things. The age of a configured source runs from when it was last asked, that of an imported dump from its latest advisory.",
  examples: ["pratique db status", "pratique db status --json"],
  async run({ context }) {
    const status = await (await context.client()).advisories();
    if (context.json) context.terminal.out(JSON.stringify(status, null, 2));
    else printStatus(context.terminal, status);
    return 0;
  },
};
