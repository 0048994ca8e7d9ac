// `pratique approvals approve|deny`: answers one act that waits.
import type { ApprovalAnswer, ApprovalResult } from "@pratique/contracts";
import { approvalLines } from "../kit/approval-lines.ts";
import { textFlag, type Command, type Context } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

export const approvalsApprove: Command = {
  name: "approvals approve",
  group: "everyday",
  summary: "let one act happen that waits for your yes",
  description:
    "The yes is for this principal, this tool and these arguments, once. With --for, equal calls need no other answer for that time; policy says how long it may be.",
  usage: "<approval>",
  minArgs: 1,
  flags: { for: { type: "string", value: "TIME", summary: "remember the answer, such as 10m or 1h" } },
  examples: [
    "pratique approvals approve 0197e0a2-5c1e-7c3a-9f55-0c3a5b1d2e4f",
    "pratique approvals approve 0197e0a2-5c1e-7c3a-9f55-0c3a5b1d2e4f --for 10m",
  ],
  run: async ({ args, flags, context }) => {
    const rememberSeconds = secondsOf(textFlag(flags, "for"));
    return await answer(context, args[0] ?? "", { answer: "approve", rememberSeconds });
  },
};

export const approvalsDeny: Command = {
  name: "approvals deny",
  group: "everyday",
  summary: "say no to one act that waits",
  usage: "<approval>",
  minArgs: 1,
  examples: ["pratique approvals deny 0197e0a2-5c1e-7c3a-9f55-0c3a5b1d2e4f"],
  run: ({ args, context }) => answer(context, args[0] ?? "", { answer: "deny", rememberSeconds: 0 }),
};

async function answer(context: Context, id: string, said: ApprovalAnswer): Promise<0> {
  const { terminal, json } = context;
  const client = await context.client();
  const pending = json ? undefined : (await client.approvals()).find((one) => one.id === id);
  const result = await client.answerApproval(id, said);
  if (json) terminal.out(JSON.stringify(result, null, 2));
  else {
    if (pending !== undefined) terminal.note(approvalLines(pending, terminal));
    terminal.out(`${terminal.paint("good", "✓")} ${words(result)}`);
  }
  return 0;
}

function words({ answer: said, isWaiting, until, record }: ApprovalResult): string {
  const what = said === "approve" ? "approved" : "denied";
  const next =
    until === undefined
      ? said === "approve" && !isWaiting
        ? "; its caller has left, so nothing happens"
        : ""
      : isWaiting
        ? `; equal calls need no answer until ${until}`
        : `; counts when it is called again, until ${until}`;
  return `${what}${next}  (record ${record})`;
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const [, count = "", unit = "s"] = /^(\d{1,7})([smhd])?$/.exec(text) ?? [];
  if (count === "") throw usageError("--for is a time", "write it as --for 10m, 1h or 90s");
  return Number(count) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS];
}
