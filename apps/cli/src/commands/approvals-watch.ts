// `pratique approvals watch`: shows what waits, as it comes; meanwhile calls wait for the answer.
import { approvalLines } from "../kit/approval-lines.ts";
import type { Command } from "../kit/command.ts";

export const approvalsWatch: Command = {
  name: "approvals watch",
  group: "everyday",
  summary: "show acts that need your yes as they come; while you watch, they wait for you",
  examples: ["pratique approvals watch"],
  async run({ context }) {
    const { terminal, json, interrupted } = context;
    const shown = new Set<string>();
    const client = await context.client();
    if (!json) terminal.note("calls that need an approval wait while this runs; Ctrl-C ends it");
    try {
      for await (const list of client.followApprovals(interrupted)) {
        if (json) terminal.out(JSON.stringify(list));
        const ids = new Set(list.approvals.map(({ id }) => id));
        for (const pending of list.approvals) {
          if (json || shown.has(pending.id)) continue;
          terminal.out(`${approvalLines(pending, terminal)}\n  try      pratique approvals approve ${pending.id}\n`);
        }
        for (const id of shown) if (!ids.has(id) && !json) terminal.out(`${terminal.paint("dim", `${id}  is over`)}\n`);
        shown.clear();
        for (const id of ids) shown.add(id);
      }
    } catch (error) {
      if (!interrupted.aborted) throw error;
    }
    return 0;
  },
};
