// A request that got no answer because of its connection.

export interface LossFacts {
  /** False when the server has certainly not begun with it. */
  readonly reached: boolean;
  /** What was agreed with the server is void: its process ended, or it does not know the session any more. */
  readonly endsConnection: boolean;
}

/** Whoever sent it decides whether it is sent again: always when it did not reach the server, else when that does no harm. */
export class LostRequest extends Error {
  readonly reached: boolean;
  readonly endsConnection: boolean;

  constructor(reason: string, { reached, endsConnection }: LossFacts, cause?: unknown) {
    super(reason, cause === undefined ? {} : { cause });
    this.name = "LostRequest";
    this.reached = reached;
    this.endsConnection = endsConnection;
  }
}

/** A server was cut off because of what it did, which it may do again. */
export class Misbehaviour extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Misbehaviour";
  }
}
