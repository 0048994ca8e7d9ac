// The port to a human who may say yes to one act.
import type { Decision } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import type { Act } from "./act.ts";

/** Who waits for the answer, and how he is reached meanwhile. Policy and record see nothing of it. */
export interface Waiting {
  /** Aborted when the caller has left: nobody waits any more. */
  readonly signal: AbortSignal;
  /** Of the arguments, where the act's context has none. */
  readonly argumentsDigest?: () => string;
  /** What the act is about to do, without secrets, for whoever decides. */
  readonly shown?: () => JsonObject;
  /** For the record of a denial, which hears nothing of what would have run. */
  readonly facts?: () => JsonObject;
  /** Tells the caller that he is not forgotten. */
  readonly tell?: (message: string) => void;
  /** Asks the person at the caller's own client. Undefined when he did not say. Rejects when he cannot be asked. */
  readonly ask?: (question: string) => Promise<boolean | undefined>;
}

export interface ApprovalRequest {
  readonly act: Act;
  /** The denial that an approval would turn. */
  readonly decision: Decision;
  /** What is approved: these arguments and no others. */
  readonly argumentsDigest: string;
  readonly waiting?: Waiting;
}

export interface Approval {
  readonly approved: boolean;
  /** Who answered. */
  readonly by: string;
  /** Names the answer, where it has a place of its own. */
  readonly id?: string;
}

/** Nobody answered in time, which is a no; somebody may later. */
export interface Unanswered {
  readonly id: string;
  /** What the caller can do: the denial's remedy. */
  readonly remedy: string;
}

/** Asks a human. Undefined means that nobody answered and nobody will. It sets its own deadline. */
export interface Approver {
  ask(request: ApprovalRequest): Promise<Approval | Unanswered | undefined>;
}
