// node:sqlite behind the interface that Kysely's SQLite dialect drives, with typed errors.
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { SqliteDialect, type Dialect } from "kysely";
import { storeErrors } from "./errors.ts";
import { fileError } from "./file-error.ts";

/** What one prepared statement of the dialect does. */
interface DialectStatement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

const STATEMENTS_KEPT = 128;
const LOCK_WAIT_MS = 5000;

/**
 * Opens one connection that owns its file for as long as it lives: WAL, every commit synced, no second process.
 * The lock is the kernel's, so it ends with the process, however that ends.
 */
export function openSqlite(file: string): { dialect: Dialect; close(): void } {
  const database = guarded(file, () => new DatabaseSync(file, { timeout: LOCK_WAIT_MS }));
  try {
    guarded(file, () => {
      // Exclusive before WAL: the index of the WAL then stays in memory, and no second daemon gets in.
      database.exec("PRAGMA locking_mode = EXCLUSIVE");
      database.exec("PRAGMA journal_mode = WAL");
      database.exec("PRAGMA synchronous = FULL");
      database.exec("PRAGMA foreign_keys = ON");
      database.exec("BEGIN IMMEDIATE; COMMIT");
    });
  } catch (error) {
    database.close();
    throw error;
  }
  const close = (): void => {
    if (database.isOpen) database.close();
  };
  return { dialect: new SqliteDialect({ database: { prepare: preparer(database, file), close } }), close };
}

function preparer(database: DatabaseSync, file: string): (sql: string) => DialectStatement {
  const kept = new Map<string, DialectStatement>();
  return (sql) => {
    const known = kept.get(sql);
    if (known !== undefined) return known;
    if (sql === "rollback") return rollback(database, file);
    const made = statement(
      guarded(file, () => database.prepare(sql)),
      file,
    );
    if (kept.size >= STATEMENTS_KEPT) kept.delete(kept.keys().next().value ?? "");
    kept.set(sql, made);
    return made;
  };
}

function statement(prepared: StatementSync, file: string): DialectStatement {
  return {
    reader: prepared.columns().length > 0,
    all: (parameters) => guarded(file, () => prepared.all(...parameters.map(toSqlite))),
    run: (parameters) => guarded(file, () => prepared.run(...parameters.map(toSqlite))),
    iterate: (parameters) => guarded(file, () => prepared.iterate(...parameters.map(toSqlite))),
  };
}

/** A full disk makes SQLite roll back by itself; a second rollback would fail and hide why. */
function rollback(database: DatabaseSync, file: string): DialectStatement {
  const run = (): { changes: number; lastInsertRowid: number } => {
    if (database.isTransaction) guarded(file, () => database.exec("rollback"));
    return { changes: 0, lastInsertRowid: 0 };
  };
  return { reader: false, run, all: () => [], iterate: () => [].values() };
}

function toSqlite(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint")
    return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`a ${typeof value} is no SQL value`);
}

/** Runs `act` on the database in `file` and gives what fails its stable code. */
export function guarded<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw sqliteError(error, file);
  }
}

/** Primary result codes: https://sqlite.org/rescode.html */
const SQLITE = {
  perm: 3,
  busy: 5,
  locked: 6,
  readonly: 8,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  constraint: 19,
  notADatabase: 26,
};

/** Gives an error of node:sqlite its stable code; others pass as file errors. */
function sqliteError(error: unknown, path: string): Error {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") {
    return error instanceof TypeError ? error : fileError(error, path);
  }
  switch (error.errcode & 0xff) {
    case SQLITE.full:
      return storeErrors("store.full", { path }, { cause: error });
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return storeErrors("store.corrupt", { path }, { cause: error });
    case SQLITE.busy:
    case SQLITE.locked:
      return storeErrors("store.busy", { path }, { cause: error });
    case SQLITE.perm:
    case SQLITE.readonly:
    case SQLITE.cantOpen:
      return storeErrors("store.not-writable", { path }, { cause: error });
    case SQLITE.constraint:
      return storeErrors("store.conflict", { what: "a row with this key" }, { cause: error });
    default:
      return storeErrors("store.io", { path, reason: error.message }, { cause: error });
  }
}
