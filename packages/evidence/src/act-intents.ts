// What is about to be signed, written down first: a crash between an act and its record is then seen at the next start.
import type { Action, Principal } from "@pratique/contracts";
import type { Digest } from "@pratique/core";

export interface ActIntent {
  readonly action: Extract<Action, "artifact:clear" | "artifact:sign">;
  readonly principal: Principal;
  readonly repository: string;
  readonly digest: Digest;
  /** How the artifact was named. */
  readonly reference: string;
  /** What is going to hang on it. */
  readonly predicateType: string;
}

export interface ActIntents {
  /** Durable when it resolves. */
  begin(intent: ActIntent): Promise<string>;
  /** The act is recorded, or undone. */
  end(id: string): Promise<void>;
}
