// authenticate → authorize → act → record, once for everybody.
export { ActScope, type ActUnderWay } from "./act-scope.ts";
export type { Act, GuardResource, Outcome } from "./act.ts";
export type { Approval, ApprovalRequest, Approver, Unanswered, Waiting } from "./approver.ts";
export { allowedOrThrow, denialText } from "./denial.ts";
export { policyRequestOf } from "./decide.ts";
export { guardErrors } from "./errors.ts";
export { createGuard, type Guard, type GuardOptions } from "./guard.ts";
export { DecisionInputs, type DecisionInputsOptions } from "./decision-inputs.ts";
export { RepeatWindows } from "./repeat-windows.ts";
export { RepeatedAct } from "./repeated-act.ts";
export { RepeatedList } from "./repeated-list.ts";
