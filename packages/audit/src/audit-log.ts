// The audit log: an append is durable when it resolves; the signed tree and the index follow.
import { join } from "node:path";
import type { AuditRecord, RecordBody } from "@pratique/contracts";
import { AuditRecord as AuditRecordSchema } from "@pratique/contracts";
import { describeError, Mutex, pooledRandom, uuidv7, type Clock, type Log } from "@pratique/core";
import { ensureDirectory, type Database, type RecordQuery, type RecordRow } from "@pratique/store";
import { Appender, type Appended } from "./appender.ts";
import { decodeRecord, sequenceOf } from "./entry.ts";
import { auditErrors } from "./errors.ts";
import { Journal, JOURNAL } from "./journal.ts";
import { readIfThere, systemFiles, type LogFiles } from "./log-files.ts";
import type { LogKey } from "./log-key.ts";
import { verifyInclusion } from "./merkle.ts";
import type { Checkpoint } from "./note.ts";
import { RecordIndex } from "./record-index.ts";
import type { RecordTemplate } from "./record-template.ts";
import { serveTile } from "./serve-tile.ts";
import { consistencyPath, inclusionPath, tileHashes, type HashReader } from "./tile-reader.ts";
import { CHECKPOINT, Tree } from "./tree.ts";
import { Checks, type VerifyReport } from "./verify-report.ts";
import { verifyLog } from "./verify.ts";

/** Proof that a record is in the log. Hashes are base64. */
export interface InclusionProof {
  readonly sequence: number;
  readonly leafHash: string;
  readonly hashes: readonly string[];
  readonly checkpoint: Checkpoint;
}

/** Proof that the log extends what it was at `oldSize`. Hashes are base64. */
export interface ConsistencyProof {
  readonly oldSize: number;
  readonly hashes: readonly string[];
  readonly checkpoint: Checkpoint;
}

export interface AuditLog {
  /**
   * Appends a record; resolves when it is durable. Concurrent appends share one fsync.
   * @throws `audit.full`, `audit.unavailable`, `audit.bad-record`, `audit.too-large`, `audit.closed`: it is not in the log
   */
  append(body: RecordBody): Promise<AuditRecord>;
  /** Appends one more record of an act that happens again and again. @throws as `append` does */
  appendLike(template: RecordTemplate, durationMs: number): Promise<AuditRecord>;
  /** Signs and publishes a checkpoint over everything appended before the call. */
  checkpoint(): Promise<Checkpoint>;
  /** What `/log/` serves: `checkpoint`, `tile/0/000.p/12`, `tile/entries/000`. */
  tile(path: string): Promise<Uint8Array | undefined>;
  find(query: RecordQuery): Promise<AuditRecord[]>;
  get(id: string): Promise<AuditRecord | undefined>;
  /** How many records are durable. */
  size(): number;
  /** @throws `audit.no-record` */
  inclusionProof(sequence: number): Promise<InclusionProof>;
  /** @throws `audit.no-record` for a size that the log never had */
  consistencyProof(oldSize: number): Promise<ConsistencyProof>;
  /** Verifies everything on disk, and the index against it. */
  verify(): Promise<VerifyReport>;
  /** Publishes what is appended and lets go of the files. */
  close(): Promise<void>;
}

/** Runs `task` some time later, once; returns how to call that off. */
export type Later = (task: () => void) => () => void;

export interface AuditLogOptions {
  readonly directory: string;
  readonly key: LogKey;
  /** Its `records` table is this log's index. Whoever owns the database owns the log: one process. */
  readonly database: Pick<Database, "records">;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids?: () => string;
  /** When a quiet log publishes; by default 250 ms after an append. */
  readonly later?: Later;
  readonly files?: LogFiles;
  /** A journal of this size is emptied before more goes in, so that recovery stays quick. 32 MiB when absent. */
  readonly maxJournalBytes?: number;
}

const PUBLISH_AFTER_MS = 250;
/** A publication writes a dozen files with their fsyncs: under load many records share one. */
const PUBLISH_AFTER_RECORDS = 4096;
const MAX_JOURNAL_BYTES = 32 * 1024 * 1024;

const soon: Later = (task) => {
  const timer = setTimeout(task, PUBLISH_AFTER_MS);
  timer.unref();
  return () => clearTimeout(timer);
};

/**
 * Opens a log, or begins one. Recovers everything acknowledged, publishes it, and brings the index level.
 * @throws `audit.corrupt`, `audit.wrong-key`, `audit.rolled-back`, `audit.full`, `audit.unavailable`
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  return OpenLog.open(options);
}

class OpenLog implements AuditLog {
  readonly #options: AuditLogOptions;
  readonly #tree: Tree;
  readonly #journal: Journal;
  readonly #index: RecordIndex;
  readonly #appender: Appender;
  readonly #publishing = new Mutex();
  /** Durable, and not yet in the tree. */
  readonly #pending: Appended[];
  #scheduled: { readonly isUrgent: boolean; cancel(): void } | undefined;
  #isClosed = false;

  private constructor(options: AuditLogOptions, tree: Tree, journal: Journal, index: RecordIndex, pending: Appended[]) {
    this.#options = options;
    this.#tree = tree;
    this.#journal = journal;
    this.#index = index;
    this.#pending = pending;
    const random = pooledRandom();
    this.#appender = new Appender({
      journal,
      next: tree.edge.size + pending.length,
      clock: options.clock,
      ids: options.ids ?? (() => uuidv7(options.clock, random)),
      onDurable: (group) => this.#onDurable(group),
      beforeGroup: () => this.#makeRoom(),
    });
  }

  static async open(options: AuditLogOptions): Promise<OpenLog> {
    const { directory, key, log, database, files = systemFiles } = options;
    await ensureDirectory(directory, 0o700);
    const tree = await Tree.open({ directory, key, log, files });
    const opened: { close(): Promise<void> }[] = [tree];
    try {
      const { journal, entries, tornBytes } = await Journal.open(files, join(directory, JOURNAL));
      opened.push(journal);
      if (tornBytes > 0) log.warn("dropped an unfinished write, which nobody was told of", { bytes: tornBytes });
      const { size } = tree.edge;
      const recovered = recoverPending(entries, size);
      const index = await RecordIndex.open({ records: database.records, directory, size, recovered, log });
      const self = new OpenLog(options, tree, journal, index, recovered);
      if (recovered.length > 0) log.info("recovered records from the journal", { records: recovered.length });
      await self.#publish();
      return self;
    } catch (error) {
      for (const one of opened) await one.close();
      throw error;
    }
  }

  append(body: RecordBody): Promise<AuditRecord> {
    if (this.#isClosed) return Promise.reject(auditErrors("audit.closed"));
    return this.#appender.append(body);
  }

  appendLike(template: RecordTemplate, durationMs: number): Promise<AuditRecord> {
    if (this.#isClosed) return Promise.reject(auditErrors("audit.closed"));
    return this.#appender.appendLike(template, durationMs);
  }

  async checkpoint(): Promise<Checkpoint> {
    await this.#appender.settled();
    return this.#publish();
  }

  tile(path: string): Promise<Uint8Array | undefined> {
    return serveTile(this.#options.directory, path, () => this.#tree.edge.size);
  }

  async find(query: RecordQuery): Promise<AuditRecord[]> {
    await this.#catchUp();
    return (await this.#options.database.records.find(query)).map(recordOf);
  }

  async get(id: string): Promise<AuditRecord | undefined> {
    await this.#catchUp();
    const row = await this.#options.database.records.get(id);
    return row === undefined ? undefined : recordOf(row);
  }

  size(): number {
    return this.#appender.size;
  }

  async inclusionProof(sequence: number): Promise<InclusionProof> {
    const { checkpoint, read } = await this.#snapshot();
    const { size, rootHash } = checkpoint;
    if (!Number.isSafeInteger(sequence) || sequence < 0 || sequence >= size) {
      throw auditErrors("audit.no-record", { sequence, size });
    }
    const leaf = await read({ level: 0, index: sequence });
    const path = await inclusionPath(sequence, size, read);
    if (!verifyInclusion(leaf, sequence, size, path, Buffer.from(rootHash, "base64"))) {
      throw auditErrors("audit.corrupt", { file: "tile", reason: `its hashes do not prove record ${sequence}` });
    }
    return { sequence, leafHash: leaf.toString("base64"), hashes: path.map(base64), checkpoint };
  }

  async consistencyProof(oldSize: number): Promise<ConsistencyProof> {
    const { checkpoint, read } = await this.#snapshot();
    const { size } = checkpoint;
    if (!Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > size) {
      throw auditErrors("audit.no-record", { sequence: oldSize, size });
    }
    return { oldSize, hashes: (await consistencyPath(oldSize, size, read)).map(base64), checkpoint };
  }

  async verify(): Promise<VerifyReport> {
    const { directory, key } = this.#options;
    await this.#appender.settled();
    const checks = new Checks();
    // Before publishing, which would write over a checkpoint that somebody changed.
    await this.#publishing.run(async () => {
      const note = (await readIfThere(join(directory, CHECKPOINT)))?.toString();
      if (note !== this.#tree.checkpoint.note)
        checks.fail("checkpoint", `${CHECKPOINT} is not what this log last published`);
    });
    const since = this.#tree.checkpoint.note;
    await this.#publish();
    await this.#catchUp();
    return this.#publishing.run(() =>
      verifyLog(
        { directory, verifier: key, since, onEntries: (first, entries) => this.#checkIndex(first, entries, checks) },
        checks,
      ),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#appender.settled();
    this.#scheduled?.cancel();
    try {
      await this.#publish();
    } catch (error) {
      this.#options.log.warn("the audit log closes unpublished; the next start publishes it", describeError(error));
    }
    await this.#journal.close();
    await this.#tree.close();
  }

  #onDurable(group: readonly Appended[]): void {
    this.#pending.push(...group);
    this.#index.add(group);
    this.#publishLater(this.#pending.length >= PUBLISH_AFTER_RECORDS);
  }

  /** At most one publication waits beside the one that runs. */
  #publishLater(isUrgent: boolean): void {
    if (this.#scheduled !== undefined && (this.#scheduled.isUrgent || !isUrgent)) return;
    this.#scheduled?.cancel();
    const later = isUrgent ? immediately : (this.#options.later ?? soon);
    const cancel = later(() => {
      this.#publish().catch((error: unknown) => {
        this.#options.log.error("the audit log cannot publish a checkpoint", describeError(error));
      });
    });
    this.#scheduled = { isUrgent, cancel };
  }

  /** Brings the tree level with the journal, then the index with both, then empties the journal when it can. */
  async #publish(): Promise<Checkpoint> {
    const checkpoint = await this.#publishing.run(async () => {
      this.#scheduled?.cancel();
      this.#scheduled = undefined;
      const published = await this.#integrate();
      await this.#levelIndex().catch((error: unknown) => {
        this.#index.forget(this.#tree.edge.size);
        this.#options.log.error("the index of the audit log lags behind", describeError(error));
      });
      return published;
    });
    await this.#appender.between(() => this.#clearJournal());
    return checkpoint;
  }

  async #integrate(): Promise<Checkpoint> {
    const items = [...this.#pending];
    if (items.length === 0) return this.#tree.checkpoint;
    const checkpoint = await this.#tree.integrate(items.map(({ entry }) => entry));
    this.#pending.splice(0, items.length);
    return checkpoint;
  }

  /** Only while no group is being written. */
  async #clearJournal(): Promise<void> {
    if (this.#pending.length > 0 || this.#journal.sizeBytes === 0) return;
    await this.#journal.clear().catch((error: unknown) => {
      this.#options.log.warn("the journal of the audit log cannot be emptied yet", describeError(error));
    });
  }

  /** Runs while no group is being written. */
  async #makeRoom(): Promise<void> {
    if (this.#journal.sizeBytes < (this.#options.maxJournalBytes ?? MAX_JOURNAL_BYTES)) return;
    await this.#publishing.run(() => this.#integrate());
    await this.#clearJournal();
  }

  #levelIndex(): Promise<void> {
    return this.#index.level(this.#options.directory, this.#tree.edge.size);
  }

  /** Before a query: all that is durable can be found. */
  async #catchUp(): Promise<void> {
    if (this.#index.size < this.#appender.size) await this.#publishing.run(() => this.#levelIndex());
  }

  /** The newest checkpoint, and hashes of just that tree: it may grow while a proof is made. */
  async #snapshot(): Promise<{ checkpoint: Checkpoint; read: HashReader }> {
    await this.checkpoint();
    return this.#publishing.run(() => {
      const { edge, checkpoint } = this.#tree;
      return { checkpoint, read: tileHashes(this.#options.directory, edge.size, edge.levels) };
    });
  }

  async #checkIndex(first: number, entries: readonly Buffer[], checks: Checks): Promise<void> {
    checks.pass("index", "every row of the index is what the log says");
    const rows = await this.#options.database.records.find({
      before: first + entries.length,
      limit: entries.length,
      order: "newest",
    });
    const bodies = new Map(rows.map(({ sequence, body }) => [sequence, body]));
    for (const [at, entry] of entries.entries()) {
      if (bodies.get(first + at) === entry.toString()) continue;
      checks.fail("index", `the index's row of record ${first + at} is not what the log says`);
    }
  }
}

const immediately: Later = (task) => {
  const immediate = setImmediate(task);
  return () => clearImmediate(immediate);
};

/** What the journal has beyond the tree. Frames that the tree has already are passed over. */
function recoverPending(entries: readonly Buffer[], size: number): Appended[] {
  const [head] = entries;
  if (head === undefined) return [];
  const first = sequenceOf(head);
  if (first === undefined || first > size) {
    throw auditErrors("audit.corrupt", { file: JOURNAL, reason: `it does not follow the ${size} records of the tree` });
  }
  return entries
    .map((entry, at) => ({ entry, sequence: first + at }))
    .filter(({ sequence }) => sequence >= size)
    .map(({ entry, sequence }) => ({ record: decodeRecord(entry, sequence, JOURNAL), entry }));
}

function recordOf(row: RecordRow): AuditRecord {
  return AuditRecordSchema.parse(JSON.parse(row.body));
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64");
}
