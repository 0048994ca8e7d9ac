// One slow clock for everything that waits: streams that must not look dead, sessions and calls that end.

/** Something that is told now and then that time goes by. */
export interface Beating {
  beat(): void;
}

export class Heartbeat {
  readonly #beating = new Set<Beating>();
  #timer: NodeJS.Timeout | undefined;
  readonly #everyMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  add(one: Beating): void {
    this.#beating.add(one);
    this.#timer ??= setInterval(() => this.beat(), this.#everyMs).unref();
  }

  delete(one: Beating): void {
    this.#beating.delete(one);
  }

  beat(): void {
    for (const one of this.#beating) one.beat();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#beating.clear();
  }
}
