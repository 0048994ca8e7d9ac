// What carries messages to one server and back: its standard streams, HTTP requests, or an event stream with a way back.
import type { Flight } from "./flight.ts";

export interface Line {
  /** Sends a request. What comes back goes to the conversation; when nothing can come back, the flight fails. */
  send(flight: Flight, text: string): void;
  /** Sends a notification or an answer. Resolves when it was taken; never rejects, since nothing can wait for an answer to it. */
  say(text: string): Promise<void>;
  /** After we gave up a request. True when the server knows of it by that; false when it must be told by a notification. */
  hangUp(flight: Flight): boolean;
  /** Resolves when nothing of it is left, the process behind it included. `isLost`: the server is not there to be told. */
  close(isLost: boolean): Promise<void>;
}

/** What a line tells the conversation. */
export interface LineListener {
  /** A parsed message, or a batch of them; `flight` is the request on whose own stream it came. */
  received(value: unknown, flight: Flight | undefined): void;
  /** Nothing comes any more. */
  ended(error: Error): void;
}
