// The tables of the advisory database: a file of its own, which can be thrown away and imported again.
import type { DatabaseSync } from "node:sqlite";

/** Raised when a table changes: a file of another version is emptied, since its sources have everything. */
const SCHEMA_VERSION = 3;

const TABLES = `
CREATE TABLE sources (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE advisories (
  key INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, modified TEXT NOT NULL,
  hash BLOB NOT NULL, mark INTEGER NOT NULL, body TEXT NOT NULL, keys TEXT NOT NULL, names TEXT NOT NULL,
  UNIQUE (source, id));
CREATE TABLE affected (
  ecosystem TEXT NOT NULL, name TEXT NOT NULL, advisory INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (ecosystem, name, advisory, at)) WITHOUT ROWID;
CREATE TABLE names (name TEXT NOT NULL, advisory INTEGER NOT NULL, PRIMARY KEY (name, advisory)) WITHOUT ROWID;
CREATE TABLE exploited (source TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (id, source)) WITHOUT ROWID;
CREATE TABLE probabilities (source TEXT NOT NULL, id TEXT NOT NULL, epss REAL NOT NULL, PRIMARY KEY (id, source)) WITHOUT ROWID;
CREATE TABLE changes (ecosystem TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (ecosystem, name)) WITHOUT ROWID;
CREATE INDEX changes_version ON changes (version);
CREATE TABLE writes (last INTEGER NOT NULL);
INSERT INTO writes VALUES (0);
CREATE TABLE versions (sequence INTEGER PRIMARY KEY, digest TEXT NOT NULL, time TEXT NOT NULL);
`;

const NAMES = [
  "sources",
  "advisories",
  "affected",
  "names",
  "exploited",
  "probabilities",
  "changes",
  "versions",
  "writes",
] as const;

/** Makes the tables where there are none of this version. True when what was there had to go. */
export function ensureAdvisoryTables(database: DatabaseSync): boolean {
  const found = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (found === SCHEMA_VERSION) return false;
  database.exec("BEGIN IMMEDIATE");
  for (const name of NAMES) database.exec(`DROP TABLE IF EXISTS ${name}`);
  database.exec(`${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec("COMMIT");
  return found !== 0;
}
