// One record for equal acts that come close together (ADR 0021): the first one's covers those that follow for a short
// time, and another says afterwards how many they were.
import type { AuditRecord } from "@pratique/contracts";

/** From the moment that the first record was asked for. */
const WINDOW_MS = 1000;

/** Acts that share a record. */
export class RepeatWindow {
  readonly record: AuditRecord;
  readonly #untilMs: number;
  #repeats = 0;
  #isOver = false;

  constructor(record: AuditRecord, untilMs: number) {
    this.record = record;
    this.#untilMs = untilMs;
  }

  isOpen(nowMs: number): boolean {
    return !this.#isOver && nowMs < this.#untilMs;
  }

  /** Counts one act more; false when it came too late and needs a record of its own. */
  join(nowMs: number): boolean {
    if (!this.isOpen(nowMs)) return false;
    this.#repeats += 1;
    return true;
  }

  /** Ends it; says how many joined. */
  end(): number {
    this.#isOver = true;
    return this.#repeats;
  }
}

/** The windows that are open, each with what is to be done at its end. Made once, handed to guard. */
export class RepeatWindows {
  readonly windowMs: number;
  readonly #open = new Map<RepeatWindow, { readonly timer: NodeJS.Timeout; readonly end: () => Promise<void> }>();

  constructor(windowMs = WINDOW_MS) {
    this.windowMs = windowMs;
  }

  /** `onEnd` writes the record of those that joined; it is not called when there were none, and must not throw. */
  open(record: AuditRecord, startMs: number, onEnd: (repeats: number) => Promise<void>): RepeatWindow {
    const window = new RepeatWindow(record, startMs + this.windowMs);
    const end = async (): Promise<void> => {
      this.#open.delete(window);
      const repeats = window.end();
      if (repeats > 0) await onEnd(repeats);
    };
    this.#open.set(window, { timer: setTimeout(() => void end(), this.windowMs), end });
    return window;
  }

  /** Ends all windows; their records are durable when it resolves. To be called before the log is closed. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    for (const { timer } of open) clearTimeout(timer);
    await Promise.all(open.map(({ end }) => end()));
  }
}
