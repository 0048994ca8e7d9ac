// Which act is under way, asked by what happens deep down and has to say who caused it.
import { AsyncLocalStorage } from "node:async_hooks";
import type { JsonObject } from "@pratique/core";
import type { Act } from "./act.ts";

export interface ActUnderWay {
  readonly act: Act;
  /** The act of which this one is a part. */
  readonly within: ActUnderWay | undefined;
  /** Adds facts to the act's record. */
  note(details: JsonObject): void;
}

/** Made once, handed to guard and to whoever asks. */
export class ActScope {
  readonly #storage = new AsyncLocalStorage<ActUnderWay>();

  get current(): ActUnderWay | undefined {
    return this.#storage.getStore();
  }

  run<T>(act: Act, note: (details: JsonObject) => void, task: () => Promise<T>): Promise<T> {
    return this.#storage.run({ act, within: this.current, note }, task);
  }
}
