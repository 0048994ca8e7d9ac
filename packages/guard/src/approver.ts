// The port to a human who may say yes to one act.
import type { Decision } from "@pratique/contracts";
import type { Act } from "./act.ts";

export interface ApprovalRequest {
  readonly act: Act;
  /** The denial that an approval would turn. */
  readonly decision: Decision;
  /** What is approved: these arguments and no others. */
  readonly argumentsDigest: string;
}

export interface Approval {
  readonly approved: boolean;
  /** Who answered. */
  readonly by: string;
}

/** Asks a human. Undefined means that nobody answered, which is a no. It sets its own deadline. */
export interface Approver {
  ask(request: ApprovalRequest): Promise<Approval | undefined>;
}
