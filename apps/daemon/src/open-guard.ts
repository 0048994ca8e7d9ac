// The guard, with what it needs to join records, to keep what policy was asked, and to ask people.
import type { ApprovalsConfig } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import { createGuard, DecisionInputs, RepeatWindows, type Guard, type GuardOptions } from "@pratique/guard";
import type { Database } from "@pratique/store";
import { ApprovalDesk } from "./approvals/approval-desk.ts";

export interface GuardingOptions extends Pick<GuardOptions, "policy" | "audit" | "acts"> {
  readonly database: Database;
  readonly config: ApprovalsConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
  readonly onClose: (close: () => Promise<void>) => void;
}

export interface Guarding {
  readonly guard: Guard;
  readonly inputs: DecisionInputs;
  readonly approvals: ApprovalDesk;
}

export async function openGuard({ database, config, ids, onClose, ...options }: GuardingOptions): Promise<Guarding> {
  const { clock, log } = options;
  const windows = new RepeatWindows();
  onClose(() => windows.close());
  const inputs = new DecisionInputs({ table: database.decisionInputs, clock, log });
  onClose(() => inputs.close());
  const approvals = await ApprovalDesk.open({ table: database.approvals, config, clock, log, ids });
  const guard = createGuard({ ...options, windows, inputs, approver: approvals });
  approvals.begin(guard);
  return { guard, inputs, approvals };
}
