// The advisory database: read by one connection while another writes, each write whole or not there.
import { rm } from "node:fs/promises";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import { isPratiqueError, Mutex, type Clock } from "@pratique/core";
import type { AdvisoryRow, AdvisoryVersion, AffectedRow, PackageKey } from "./advisory-rows.ts";
import { ensureAdvisoryTables } from "./advisory-schema.ts";
import { AdvisoryWriter } from "./advisory-writer.ts";
import { ensureFile } from "./database.ts";
import { guarded } from "./sqlite.ts";

type Row = Record<string, SQLOutputValue>;
type Read = (...parameters: SQLInputValue[]) => Row[];
type ReadCells = (...parameters: SQLInputValue[]) => (readonly unknown[])[];

const LOCK_WAIT_MS = 5000;

export interface AdvisoryFileOptions {
  readonly clock: Clock;
  /** Whether a damaged one is made anew; true when absent. */
  readonly mayReplace?: boolean;
}

/**
 * Opens the advisory database, or makes it. One that is damaged is made anew: its sources have everything.
 * @throws `store.not-writable`, `store.busy`, `store.full`
 */
export async function openAdvisoryFile(file: string, options: AdvisoryFileOptions): Promise<AdvisoryFile> {
  await ensureFile(file);
  try {
    return new AdvisoryFile(file, options.clock);
  } catch (error) {
    if (!isPratiqueError(error, "store.corrupt") || options.mayReplace === false) throw error;
    for (const name of [file, `${file}-wal`, `${file}-shm`]) await rm(name, { force: true });
    await ensureFile(file);
    return new AdvisoryFile(file, options.clock);
  }
}

export class AdvisoryFile {
  readonly path: string;
  readonly #clock: Clock;
  readonly #writing: DatabaseSync;
  readonly #reading: DatabaseSync;
  readonly #line = new Mutex();
  readonly #affected: ReadCells;
  readonly #advisory: Read;
  readonly #named: Read;
  readonly #exploited: Read;
  readonly #probability: Read;
  readonly #changed: Read;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
    this.#writing = openConnection(path);
    try {
      guarded(path, () => ensureAdvisoryTables(this.#writing));
      // What an interrupted write left in the WAL goes here.
      guarded(path, () => this.#writing.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
      this.#reading = openConnection(path);
      this.#reading.exec("PRAGMA query_only = ON");
    } catch (error) {
      this.#writing.close();
      throw error;
    }
    this.#affected = this.#prepareCells("SELECT advisory, body FROM affected WHERE ecosystem = ? AND name = ?");
    this.#advisory = this.#prepare("SELECT key, source, id, modified, body FROM advisories WHERE key = ?");
    this.#named = this.#prepare(
      "SELECT key, source, id, modified, body FROM names JOIN advisories ON key = advisory WHERE name = ? LIMIT 100",
    );
    this.#exploited = this.#prepare("SELECT DISTINCT id FROM exploited");
    this.#probability = this.#prepare("SELECT max(epss) AS epss FROM probabilities WHERE id = ?");
    this.#changed = this.#prepare("SELECT ecosystem, name FROM changes WHERE version > ?");
  }

  #prepare(sql: string): Read {
    const statement = guarded(this.path, () => this.#reading.prepare(sql));
    return (...parameters) => guarded(this.path, () => statement.all(...parameters));
  }

  /** Rows as lists: an object with names costs more than the lookup. */
  #prepareCells(sql: string): ReadCells {
    const statement = guarded(this.path, () => this.#reading.prepare(sql));
    statement.setReturnArrays(true);
    return (...parameters) =>
      guarded(this.path, () => statement.all(...parameters)).map((row: unknown) => (Array.isArray(row) ? row : []));
  }

  /** What is said of a package, by all sources. */
  affected(ecosystem: string, name: string): AffectedRow[] {
    return this.#affected(ecosystem, name).map(([advisory, body]) => {
      if (typeof advisory !== "number" || typeof body !== "string") throw new TypeError("no row of affected versions");
      return { advisory, body };
    });
  }

  advisory(key: number): AdvisoryRow | undefined {
    const row = this.#advisory(key)[0];
    return row === undefined ? undefined : advisoryOf(row);
  }

  /** The advisories with this id or alias; at most 100. */
  advisoriesNamed(name: string): AdvisoryRow[] {
    return this.#named(name).map(advisoryOf);
  }

  /** Every vulnerability that is known to be exploited: some thousands. */
  exploited(): string[] {
    return this.#exploited().map((row) => text(row, "id"));
  }

  hasProbabilities(): boolean {
    return this.#prepare("SELECT 1 AS found FROM probabilities LIMIT 1")().length > 0;
  }

  probability(id: string): number | undefined {
    const value = this.#probability(id)[0]?.["epss"];
    return typeof value === "number" ? value : undefined;
  }

  sources(): { name: string; body: string }[] {
    return this.#prepare("SELECT name, body FROM sources ORDER BY name")().map((row) => ({
      name: text(row, "name"),
      body: text(row, "body"),
    }));
  }

  /** The state of the content; undefined when nothing was ever written. */
  latest(): AdvisoryVersion | undefined {
    return this.#version("SELECT sequence, digest, time FROM versions ORDER BY sequence DESC LIMIT 1");
  }

  versionAt(sequence: number): AdvisoryVersion | undefined {
    return this.#version("SELECT sequence, digest, time FROM versions WHERE sequence = ?", sequence);
  }

  #version(sql: string, ...parameters: SQLInputValue[]): AdvisoryVersion | undefined {
    const row = this.#prepare(sql)(...parameters)[0];
    if (row === undefined) return undefined;
    return { sequence: number(row, "sequence"), digest: text(row, "digest"), time: text(row, "time") };
  }

  /** The packages of which something else is said since a version. */
  changedAfter(sequence: number): PackageKey[] {
    return this.#changed(sequence).map((row) => ({ ecosystem: text(row, "ecosystem"), name: text(row, "name") }));
  }

  /**
   * Writes in one transaction, one writer at a time. Readers see what was there before until it is durable;
   * when `act` fails or the process dies, nothing of it is there.
   */
  write<T>(act: (writer: AdvisoryWriter) => Promise<T>): Promise<T> {
    return this.#line.run(async () => {
      guarded(this.path, () => this.#writing.exec("BEGIN IMMEDIATE"));
      try {
        const writer = new AdvisoryWriter(this.#writing, this.path);
        const result = await act(writer);
        writer.finish(this.#clock.now().toISOString());
        guarded(this.path, () => this.#writing.exec("COMMIT"));
        guarded(this.path, () => this.#writing.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
        return result;
      } finally {
        if (this.#writing.isTransaction) this.#writing.exec("ROLLBACK");
      }
    });
  }

  async close(): Promise<void> {
    await this.#line.run(() => {
      if (this.#reading.isOpen) this.#reading.close();
      if (this.#writing.isOpen) this.#writing.close();
    });
  }
}

function openConnection(path: string): DatabaseSync {
  const database = guarded(path, () => new DatabaseSync(path, { timeout: LOCK_WAIT_MS }));
  try {
    guarded(path, () => {
      database.exec("PRAGMA journal_mode = WAL");
      database.exec("PRAGMA synchronous = FULL");
      database.exec("PRAGMA cache_size = -65536");
      database.exec("SELECT count(*) FROM sqlite_schema");
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function advisoryOf(row: Row): AdvisoryRow {
  return {
    key: number(row, "key"),
    source: text(row, "source"),
    id: text(row, "id"),
    modified: text(row, "modified"),
    body: text(row, "body"),
  };
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`column ${column} holds no text`);
  return value;
}

function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw new TypeError(`column ${column} holds no number`);
  return value;
}
