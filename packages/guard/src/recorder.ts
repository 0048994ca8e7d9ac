// Writes records, and refuses new acts while the record of a past one could not be written.
import type { AuditLog, RecordTemplate } from "@pratique/audit";
import type { AuditRecord, RecordBody } from "@pratique/contracts";
import { describeError, Mutex, type Log } from "@pratique/core";
import { guardErrors } from "./errors.ts";

/** The part of the audit log that guard needs. */
export type RecordSink = Pick<AuditLog, "append"> & Partial<Pick<AuditLog, "appendLike">>;

/**
 * Acts that happened and whose record failed are owed. They are written before any further act may happen, so the log
 * has a gap for no longer than it cannot be written. What is owed is bounded by the acts that ran at that moment.
 */
export class Recorder {
  readonly #sink: RecordSink;
  readonly #log: Log;
  readonly #turn = new Mutex();
  readonly #owed: RecordBody[] = [];

  constructor(sink: RecordSink, log: Log) {
    this.#sink = sink;
    this.#log = log;
  }

  /** Before an act: writes what is owed. @throws `guard.record-failed` while that fails */
  async ready(action: string): Promise<void> {
    if (this.#owed.length === 0) return;
    await this.#turn.run(async () => {
      for (let next = this.#owed[0]; next !== undefined; next = this.#owed[0]) {
        await this.#append({ ...next, details: { ...next.details, recordedLate: true } }, action);
        this.#owed.shift();
      }
    });
  }

  /** Durable when it resolves. @throws `guard.record-failed` */
  async write(body: RecordBody): Promise<AuditRecord> {
    try {
      return await this.#append(body, body.action);
    } catch (error) {
      // A denial changed nothing: only acts are owed, or denied callers could fill the memory.
      if (body.outcome !== "denied") this.#owed.push(body);
      throw error;
    }
  }

  /** The same for one more record of a template, which is none of a denial. */
  async writeLike(template: RecordTemplate, durationMs: number): Promise<AuditRecord> {
    const body = (): RecordBody => ({ ...template.body, durationMs: Math.max(0, durationMs) });
    if (this.#sink.appendLike === undefined) return this.write(body());
    try {
      return await this.#sink.appendLike(template, Math.max(0, durationMs));
    } catch (cause) {
      this.#owed.push(body());
      throw this.#failure(template.body, template.body.action, cause);
    }
  }

  async #append(body: RecordBody, action: string): Promise<AuditRecord> {
    try {
      return await this.#sink.append(body);
    } catch (cause) {
      throw this.#failure(body, action, cause);
    }
  }

  #failure(body: RecordBody, action: string, cause: unknown): Error {
    this.#log.error("a record cannot be written", { action: body.action, ...describeError(cause) });
    return guardErrors("guard.record-failed", { action }, { cause });
  }
}
