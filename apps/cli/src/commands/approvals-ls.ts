// `pratique approvals ls`: what waits for a person's yes.
import { approvalLines } from "../kit/approval-lines.ts";
import type { Command } from "../kit/command.ts";

export const approvalsLs: Command = {
  name: "approvals ls",
  group: "everyday",
  summary: "show what agents want to do and may only with your yes",
  examples: ["pratique approvals ls", "pratique approvals ls --json"],
  async run({ context }) {
    const { terminal } = context;
    const approvals = await (await context.client()).approvals();
    if (context.json) terminal.out(JSON.stringify({ approvals }, null, 2));
    else if (approvals.length === 0) terminal.note("nothing waits for an approval");
    else terminal.out(approvals.map((pending) => approvalLines(pending, terminal)).join("\n\n"));
    return 0;
  },
};
