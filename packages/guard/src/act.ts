// What guard is asked to let happen.
import type { Action, AuditRecord, Decision, Principal, ResourceType } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";

/** What is acted upon, with its facts as the Cedar schema lists them. */
export interface GuardResource {
  readonly type: ResourceType;
  readonly id: string;
  /** Digest of the artifact behind it. */
  readonly digest?: string;
  readonly attributes?: JsonObject;
  readonly parents?: readonly GuardResource[];
  /**
   * Whether its facts are still those of this moment. Asked right before each decision: what has changed since it was
   * looked up is denied, and never decided over as it was. Absent: they do not age.
   */
  readonly isCurrent?: () => boolean;
}

export interface Act {
  /** From authentication, never from a request's body. Undefined: nobody is signed in. */
  readonly principal: Principal | undefined;
  readonly action: Action;
  readonly resource: GuardResource;
  /** What policy may look at. `approved` in it is ignored: only an approver's yes sets it. */
  readonly context?: JsonObject;
  /** The run it belongs to. */
  readonly run?: string;
  /** Facts for the record: small, payloads by digest. */
  readonly details?: JsonObject;
}

/** A denial is a value: it has been recorded, and says why. */
export type Outcome<T> =
  | { readonly allowed: true; readonly value: T; readonly decision: Decision; readonly record: AuditRecord }
  | { readonly allowed: false; readonly decision: Decision; readonly record: AuditRecord };
