// Group commit: records that come while one fsync runs share the next.
import type { AuditRecord, RecordBody } from "@pratique/contracts";
import { Mutex, type Clock } from "@pratique/core";
import { checkBody, encodeRecord } from "./entry.ts";
import type { Journal } from "./journal.ts";
import type { RecordTemplate } from "./record-template.ts";

/** A record that is durable, and its bytes. */
export interface Appended {
  readonly record: AuditRecord;
  readonly entry: Buffer;
}

export interface AppenderOptions {
  readonly journal: Journal;
  /** The sequence that the next record gets. */
  readonly next: number;
  readonly clock: Clock;
  readonly ids: () => string;
  /** Called once for each group, in order, before its appends resolve. */
  readonly onDurable: (group: readonly Appended[]) => void;
  /** Called before a group, while no other runs; when it throws, the group is refused. */
  readonly beforeGroup: () => Promise<void>;
}

interface Waiting {
  encode(sequence: number): Appended;
  resolve(record: AuditRecord): void;
  reject(error: unknown): void;
}

const MAX_GROUP = 1024;

export class Appender {
  readonly #options: AppenderOptions;
  readonly #waiting: Waiting[] = [];
  #next: number;
  readonly #committing = new Mutex();
  #isDraining = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#next = options.next;
  }

  /** How many records are durable. */
  get size(): number {
    return this.#next;
  }

  /** Resolves when the record is durable. @throws `audit.full`, `audit.unavailable`, `audit.bad-record`, `audit.too-large` */
  append(body: RecordBody): Promise<AuditRecord> {
    return this.#enqueue((id, time) => {
      const checked = checkBody(body);
      return (sequence) => encodeRecord(checked, { id, time, sequence });
    });
  }

  /** The same for one more record of a template. */
  appendLike(template: RecordTemplate, durationMs: number): Promise<AuditRecord> {
    return this.#enqueue((id, time) => (sequence) => template.encode(durationMs, { id, time, sequence }));
  }

  #enqueue(prepare: (id: string, time: string) => Waiting["encode"]): Promise<AuditRecord> {
    const appended = new Promise<AuditRecord>((resolve, reject) => {
      const { clock, ids } = this.#options;
      this.#waiting.push({ encode: prepare(ids(), clock.now().toISOString()), resolve, reject });
    });
    this.#last = appended;
    if (!this.#isDraining) void this.#drain();
    return appended;
  }

  /** Resolves when all appends so far are settled, whatever comes meanwhile. */
  async settled(): Promise<void> {
    await this.#last.catch(() => undefined);
  }

  /** Runs a task while no group is being written. */
  between<T>(task: () => Promise<T>): Promise<T> {
    return this.#committing.run(task);
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    do {
      // Let everyone who is ready now get into the group; those just answered may come again at once.
      await new Promise(setImmediate);
      const group = this.#waiting.splice(0, MAX_GROUP);
      await this.#committing.run(() => this.#commit(group));
    } while (this.#waiting.length > 0);
    this.#isDraining = false;
  }

  async #commit(waiting: readonly Waiting[]): Promise<void> {
    const group: (Appended & { readonly waiting: Waiting })[] = [];
    for (const one of waiting) {
      try {
        const sequence = this.#next + group.length;
        const { record, entry } = one.encode(sequence);
        group.push({ record, entry, waiting: one });
      } catch (error) {
        one.reject(error);
      }
    }
    if (group.length === 0) return;
    try {
      await this.#options.beforeGroup();
      await this.#options.journal.append(group.map(({ entry }) => entry));
    } catch (error) {
      for (const { waiting } of group) waiting.reject(error);
      return;
    }
    this.#next += group.length;
    this.#options.onDurable(group);
    for (const { waiting, record } of group) waiting.resolve(record);
  }
}
