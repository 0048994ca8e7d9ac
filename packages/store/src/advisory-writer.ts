// One write to the advisory database: what did not change is left alone, and what did is remembered by package.
import { createHash } from "node:crypto";
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { NewAdvisory, PackageKey } from "./advisory-rows.ts";
import { guarded } from "./sqlite.ts";

type Row = Record<string, SQLOutputValue>;

/** Valid within one `AdvisoryFile.write`. */
export class AdvisoryWriter {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #sequence: number;
  /** Of this write: what it did not mark, its dump does not have. */
  readonly #mark: number;
  readonly #digest = createHash("sha256");
  readonly #statements = new Map<string, (...parameters: SQLInputValue[]) => Row[]>();
  #changes = 0;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    const last = this.#sql("SELECT sequence, digest FROM versions ORDER BY sequence DESC LIMIT 1")[0];
    this.#sequence = Number(last?.["sequence"] ?? 0) + 1;
    this.#digest.update(String(last?.["digest"] ?? ""));
    this.#mark = Number(this.#sql("UPDATE writes SET last = last + 1 RETURNING last")[0]?.["last"]);
  }

  #sql(sql: string, ...parameters: SQLInputValue[]): Row[] {
    let run = this.#statements.get(sql);
    if (run === undefined) {
      const statement = guarded(this.#path, () => this.#database.prepare(sql));
      run = (...values) => guarded(this.#path, () => statement.all(...values));
      this.#statements.set(sql, run);
    }
    return run(...parameters);
  }

  /** How many advisories were added, replaced or removed, and facts of exploitation changed. */
  get changes(): number {
    return this.#changes;
  }

  /** When a source last changed an advisory; undefined when it has none of this id. */
  modifiedOf(source: string, id: string): string | undefined {
    const row = this.#sql("SELECT modified FROM advisories WHERE source = ? AND id = ?", source, id)[0];
    return row === undefined ? undefined : String(row["modified"]);
  }

  /** The latest change of an advisory that a source has. */
  newestOf(source: string): string | undefined {
    const row = this.#sql("SELECT max(modified) AS newest FROM advisories WHERE source = ?", source)[0];
    return typeof row?.["newest"] === "string" ? row["newest"] : undefined;
  }

  countOf(source: string): number {
    return Number(this.#sql("SELECT count(*) AS n FROM advisories WHERE source = ?", source)[0]?.["n"] ?? 0);
  }

  /** Adds or replaces, but never what is newer unless `mayBeOlder`. True when something changed. */
  put(advisory: NewAdvisory, mayBeOlder = false): boolean {
    const { source, id, modified, body, names, affected } = advisory;
    const hash = hashOf(advisory);
    const old = this.#sql(
      "SELECT key, modified, hash, keys, names FROM advisories WHERE source = ? AND id = ?",
      source,
      id,
    )[0];
    if (old !== undefined) {
      const same = old["hash"] instanceof Uint8Array && hash.equals(old["hash"]);
      if (same || (!mayBeOlder && String(old["modified"]) > modified)) {
        this.#sql("UPDATE advisories SET mark = ? WHERE key = ?", this.#mark, Number(old["key"]));
        return false;
      }
      this.#forget(old);
    }
    const keys = distinct(affected);
    const row = this.#sql(
      "INSERT INTO advisories (source, id, modified, hash, mark, body, keys, names) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING key",
      source,
      id,
      modified,
      hash,
      this.#mark,
      body,
      JSON.stringify(keys),
      JSON.stringify(names),
    )[0];
    const key = Number(row?.["key"]);
    affected.forEach((one, at) =>
      this.#sql("INSERT INTO affected VALUES (?, ?, ?, ?, ?)", one.ecosystem, one.name, key, at, one.body),
    );
    for (const name of new Set(names)) this.#sql("INSERT INTO names VALUES (?, ?)", name, key);
    this.#changed(keys);
    this.#digest.update(hash);
    this.#changes += 1;
    return true;
  }

  /** Removes the advisories of a source that this write did not put: what its dump no longer has. */
  removeUnseen(source: string): number {
    const unseen = this.#sql(
      "SELECT key, id, keys, names FROM advisories WHERE source = ? AND mark <> ?",
      source,
      this.#mark,
    );
    for (const row of unseen) this.#remove(source, row);
    return unseen.length;
  }

  remove(source: string, id: string): boolean {
    const row = this.#sql("SELECT key, id, keys, names FROM advisories WHERE source = ? AND id = ?", source, id)[0];
    if (row !== undefined) this.#remove(source, row);
    return row !== undefined;
  }

  #remove(source: string, row: Row): void {
    this.#forget(row);
    this.#digest.update(`-${source}\n${String(row["id"])}\n`);
    this.#changes += 1;
  }

  #forget(row: Row): void {
    const key = Number(row["key"]);
    const keys = keysOf(row["keys"]);
    for (const { ecosystem, name } of keys) {
      this.#sql("DELETE FROM affected WHERE ecosystem = ? AND name = ? AND advisory = ?", ecosystem, name, key);
    }
    for (const name of namesOf(row["names"])) this.#sql("DELETE FROM names WHERE name = ? AND advisory = ?", name, key);
    this.#sql("DELETE FROM advisories WHERE key = ?", key);
    this.#changed(keys);
  }

  #changed(keys: readonly PackageKey[]): void {
    for (const { ecosystem, name } of keys) {
      this.#sql(
        "INSERT INTO changes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
        ecosystem,
        name,
        this.#sequence,
      );
    }
  }

  /** Replaces a source's list of vulnerabilities that are exploited, and marks the packages that they concern. */
  setExploited(source: string, ids: readonly string[]): void {
    const before = new Set(
      this.#sql("SELECT id FROM exploited WHERE source = ?", source).map((row) => String(row["id"])),
    );
    const after = new Set(ids);
    for (const id of before) {
      if (after.has(id)) continue;
      this.#sql("DELETE FROM exploited WHERE id = ? AND source = ?", id, source);
      this.#exploitationChanged(id, "-");
    }
    for (const id of after) {
      if (before.has(id)) continue;
      this.#sql("INSERT INTO exploited VALUES (?, ?)", source, id);
      this.#exploitationChanged(id, "+");
    }
  }

  #exploitationChanged(id: string, sign: string): void {
    for (const row of this.#sql("SELECT keys FROM names JOIN advisories ON key = advisory WHERE name = ?", id)) {
      this.#changed(keysOf(row["keys"]));
    }
    this.#digest.update(`${sign}exploited ${id}\n`);
    this.#changes += 1;
  }

  /** Replaces a source's probabilities. These move daily for nearly all: no package counts as changed by it. */
  setProbabilities(source: string, rows: Iterable<readonly [id: string, epss: number]>): number {
    this.#sql("DELETE FROM probabilities WHERE source = ?", source);
    const digest = createHash("sha256");
    let count = 0;
    for (const [id, epss] of rows) {
      this.#sql("INSERT OR REPLACE INTO probabilities VALUES (?, ?, ?)", source, id, epss);
      digest.update(`${id} ${epss}\n`);
      count += 1;
    }
    this.#digest.update(digest.digest());
    this.#changes += 1;
    return count;
  }

  sourceOf(name: string): string | undefined {
    const row = this.#sql("SELECT body FROM sources WHERE name = ?", name)[0];
    return row === undefined ? undefined : String(row["body"]);
  }

  saveSource(name: string, body: string): void {
    this.#sql("INSERT INTO sources VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", name, body);
  }

  /** Called by `AdvisoryFile.write` before it commits. */
  finish(time: string): void {
    if (this.#changes === 0) return;
    this.#sql("INSERT INTO versions VALUES (?, ?, ?)", this.#sequence, this.#digest.digest("hex"), time);
  }
}

function hashOf({ modified, body, names, affected }: NewAdvisory): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([modified, body, names, affected]))
    .digest()
    .subarray(0, 16);
}

function distinct(affected: readonly PackageKey[]): PackageKey[] {
  const keys = new Map(affected.map(({ ecosystem, name }) => [`${ecosystem}\n${name}`, { ecosystem, name }]));
  return [...keys.values()];
}

/** What `put` wrote. */
function keysOf(json: SQLOutputValue | undefined): PackageKey[] {
  const parsed: unknown = JSON.parse(String(json));
  if (!Array.isArray(parsed)) return [];
  return parsed.map(({ ecosystem, name }) => ({ ecosystem: String(ecosystem), name: String(name) }));
}

function namesOf(json: SQLOutputValue | undefined): string[] {
  const parsed: unknown = JSON.parse(String(json));
  return Array.isArray(parsed) ? parsed.map(String) : [];
}
