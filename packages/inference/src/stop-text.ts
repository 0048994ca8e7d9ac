// Ends a text at the first of some stop strings, which may arrive in pieces.

/** Passes text on up to a stop string; holds back what could begin one. */
export class StopText {
  readonly #stops: readonly string[];
  #rest = "";
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  push(piece: string): string {
    if (this.#stopped) return "";
    const text = this.#rest + piece;
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#stopped = true;
      this.#rest = "";
      return text.slice(0, Math.min(...found));
    }
    const keep = Math.max(0, ...this.#stops.map((stop) => begun(text, stop)));
    this.#rest = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }

  end(): string {
    const rest = this.#rest;
    this.#rest = "";
    return rest;
  }
}

function begun(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length -= 1) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
