// Writes the journal: whoever waits at the same time shares one transaction, and what can wait goes along.
import { describeError, type Log } from "@pratique/core";
import { setImmediate as turn } from "node:timers/promises";
import type { JournalBatch, RegistryJournal } from "@pratique/store";

const LATER_MS = 50;
const LISTS = ["moves", "events", "done", "dropped", "deliveries", "pushed", "pulled", "gone", "records"] as const;

interface Waiting {
  readonly batch: JournalBatch;
  /** Absent when nobody waits for it. */
  readonly settle?: { resolve(): void; reject(error: unknown): void };
}

export class JournalWriter {
  readonly #journal: Pick<RegistryJournal, "write">;
  readonly #log: Log;
  readonly #onWritten: (batch: JournalBatch) => void;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(journal: Pick<RegistryJournal, "write">, log: Log, onWritten: (batch: JournalBatch) => void) {
    this.#journal = journal;
    this.#log = log;
    this.#onWritten = onWritten;
  }

  /** Durable when it resolves. */
  write(batch: JournalBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, settle: { resolve, reject } });
      this.#start();
    });
  }

  /** Goes with the next write, or soon. */
  later(batch: JournalBatch): void {
    this.#waiting.push({ batch });
    this.#soon();
  }

  #soon(): void {
    if (this.#running === undefined) this.#timer ??= setTimeout(() => this.#start(), LATER_MS).unref();
  }

  /** Everything handed in so far is durable, or its failure logged, when it resolves. */
  async flush(): Promise<void> {
    this.#start();
    await this.#running;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#writeAll().finally(() => {
      this.#running = undefined;
      if (this.#waiting.length > 0) this.#soon();
    });
  }

  async #writeAll(): Promise<void> {
    // Whoever comes within the same turn of the loop comes along.
    await turn();
    let isWritten = true;
    while (this.#waiting.length > 0 && (isWritten || this.#waiting.some(({ settle }) => settle !== undefined))) {
      isWritten = await this.#writeOnce();
    }
  }

  async #writeOnce(): Promise<boolean> {
    const taken = this.#waiting;
    this.#waiting = [];
    const batch = merged(taken.map((one) => one.batch));
    try {
      await this.#journal.write(batch);
    } catch (error) {
      this.#log.error("the registry's journal cannot be written", describeError(error));
      // What nobody waits for is not lost: it goes along next time.
      this.#waiting = [...taken.filter(({ settle }) => settle === undefined), ...this.#waiting];
      for (const { settle } of taken) settle?.reject(error);
      return false;
    }
    for (const { settle } of taken) settle?.resolve();
    this.#onWritten(batch);
    return true;
  }
}

function merged(batches: readonly JournalBatch[]): JournalBatch {
  const lists = LISTS.map((key) => [key, batches.flatMap((batch): readonly unknown[] => batch[key] ?? [])] as const);
  return { ...Object.fromEntries(lists), state: Object.assign({}, ...batches.map(({ state }) => state ?? {})) };
}
