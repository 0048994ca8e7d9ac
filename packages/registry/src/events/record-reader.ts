// Reads the audit log as it grows: pulls, denials, and which record belongs to which change. The log is the truth, and
// a cursor in the database says how far it is read, so that nothing is missed when the process dies.
import type { AuditLog } from "@pratique/audit";
import type { AuditRecord } from "@pratique/contracts";
import { isDigest } from "@pratique/core";
import type { JournalBatch, NewRegistryEvent, RegistryJournal } from "@pratique/store";
import type { EventFacts } from "./cloud-event.ts";

export interface RecordReaderOptions {
  readonly audit: Pick<AuditLog, "find" | "size">;
  readonly journal: RegistryJournal;
  readonly host: string;
  /** Pulls become events, too. */
  readonly keepsPulls: boolean;
  readonly later: (batch: JournalBatch) => void;
  readonly event: (facts: EventFacts) => { row: NewRegistryEvent; deliveries: NonNullable<JournalBatch["deliveries"]> };
}

const CURSOR = "recordCursor";
const FLUSH_MS = 2000;
const PULLS_KEPT = 5000;
/** So many records may have to be read again after a crash, although they say nothing. */
const UNREAD_RECORDS = 2000;
const READ_AT_ONCE = 1000;

interface Pull {
  readonly repository: string;
  readonly digest: string;
  readonly time: string;
}

export class RecordReader {
  readonly #options: RecordReaderOptions;
  readonly #pulls = new Map<string, Pull>();
  #records: { act: string; record: string }[] = [];
  #events: NewRegistryEvent[] = [];
  #deliveries: NonNullable<JournalBatch["deliveries"]>[number][] = [];
  #cursor = -1;
  #written = -1;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RecordReaderOptions) {
    this.#options = options;
  }

  /** Reads what was recorded since the cursor; the first time there is nothing to catch up with. */
  async catchUp(): Promise<void> {
    const { audit, journal } = this.#options;
    const cursor = await journal.state(CURSOR);
    this.#cursor = cursor === undefined ? audit.size() - 1 : Number(cursor);
    // At once: a crash must not make the next start take what happened from now on for old.
    if (cursor === undefined) await journal.write({ state: { [CURSOR]: String(this.#cursor) } });
    this.#written = this.#cursor;
    for (;;) {
      const records = await audit.find({ after: this.#cursor, order: "oldest", limit: READ_AT_ONCE });
      for (const record of records) this.read(record);
      this.flush();
      if (records.length < READ_AT_ONCE) return;
    }
  }

  read(record: AuditRecord): void {
    this.#cursor = Math.max(this.#cursor, record.sequence);
    const act = record.details?.["act"];
    const isAboutArtifacts = record.action.startsWith("artifact:");
    if (typeof act === "string") this.#records.push({ act, record: record.id });
    else if (!isAboutArtifacts) {
      if (this.#cursor - this.#written > UNREAD_RECORDS) this.flush();
      return;
    }
    if (isAboutArtifacts && record.outcome === "denied") this.#denied(record);
    if (record.outcome === "done" && (record.action === "artifact:pull" || record.action === "artifact:run")) {
      this.#pulled(record);
    }
    if (this.#pulls.size >= PULLS_KEPT || this.#events.length >= READ_AT_ONCE) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  #pulled(record: AuditRecord): void {
    const { digest } = record.resource;
    const repository = this.#repositoryOf(record);
    if (repository === undefined || digest === undefined || !isDigest(digest)) return;
    this.#pulls.set(`${repository}@${digest}`, { repository, digest, time: record.time });
    if (!this.#options.keepsPulls || record.action !== "artifact:pull") return;
    this.#add(record, "artifact.pulled", repository, { digest, ...tagOf(record) });
  }

  #denied(record: AuditRecord): void {
    const repository = this.#repositoryOf(record);
    if (repository === undefined) return;
    const { digest } = record.resource;
    this.#add(record, "artifact.denied", repository, {
      action: record.action,
      reason: record.reason,
      policies: record.policies.map(({ id }) => id),
      ...(digest === undefined ? {} : { digest }),
      ...tagOf(record),
    });
  }

  #add(
    record: AuditRecord,
    type: "artifact.pulled" | "artifact.denied",
    repository: string,
    data: EventFacts["data"],
  ): void {
    const { digest } = record.resource;
    const { row, deliveries } = this.#options.event({
      // Made again from the same record, it is the same event.
      id: record.id,
      type,
      time: new Date(record.time),
      host: this.#options.host,
      repository,
      subject: digest === undefined ? repository : `${repository}@${digest}`,
      data: { ...data, principal: record.principal, record: record.id },
    });
    this.#events.push(row);
    this.#deliveries.push(...deliveries);
  }

  /** `registry/repository@digest` or `registry/repository` of this registry; undefined for other things. */
  #repositoryOf({ resource: { type, id } }: AuditRecord): string | undefined {
    if (type !== "Artifact" && type !== "Repository") return undefined;
    const slash = id.indexOf("/");
    if (slash < 0 || id.slice(0, slash) !== this.#options.host) return undefined;
    return id.slice(slash + 1).split(/[@:]/)[0];
  }

  /** Hands on what was read; durable with the next write. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#cursor === this.#written) return;
    const [pulled, records, events, deliveries] = [
      [...this.#pulls.values()],
      this.#records,
      this.#events,
      this.#deliveries,
    ];
    this.#pulls.clear();
    [this.#records, this.#events, this.#deliveries] = [[], [], []];
    this.#written = this.#cursor;
    this.#options.later({ pulled, records, events, deliveries, state: { [CURSOR]: String(this.#cursor) } });
  }

  close(): void {
    this.flush();
  }
}

function tagOf({ details }: AuditRecord): { tag?: string } {
  const context = details?.["context"];
  if (typeof context !== "object" || context === null || Array.isArray(context)) return {};
  const { tag } = context;
  return typeof tag === "string" ? { tag } : {};
}
