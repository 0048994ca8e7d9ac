// The control API's operations on acts that wait for approval.
import { ApprovalAnswer, ApprovalResult, PendingApprovals } from "@pratique/contracts";
import type { ApprovalDesk } from "../approvals/approval-desk.ts";
import { events, follow, get, post, type Operation, type SentEvent } from "./operation.ts";

export function approvalOperations(desk: ApprovalDesk): Operation[] {
  return [
    get("/approvals", "Acts that wait for approval", PendingApprovals, async ({ principal }) => ({
      approvals: await desk.list(principal),
    })),
    follow(
      "/approvals/follow",
      "Acts that wait for approval, all of them again with each change; meanwhile calls wait for the reader",
      PendingApprovals,
      ({ principal, signal }) => lists(desk, principal, signal),
    ),
    events(
      "/approvals/events",
      "The same as server-sent events of the type `approvals`",
      PendingApprovals,
      async ({ principal, signal }) => numbered(await lists(desk, principal, signal)),
    ),
    post(
      "/approvals/{id}",
      "Answer one of them; the console's session may do that, too",
      ApprovalAnswer,
      ApprovalResult,
      ({ principal, path, body }) => desk.answer(principal, path["id"] ?? "", body),
    ),
  ];
}

async function lists(
  desk: ApprovalDesk,
  ...[principal, signal]: Parameters<ApprovalDesk["follow"]>
): Promise<AsyncIterable<PendingApprovals>> {
  const changes = await desk.follow(principal, signal);
  return (async function* () {
    for await (const approvals of changes) yield { approvals };
  })();
}

async function* numbered(changes: AsyncIterable<PendingApprovals>): AsyncGenerator<SentEvent> {
  let id = 0;
  for await (const data of changes) yield { id: String((id += 1)), type: "approvals", data };
}
