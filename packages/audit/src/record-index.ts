// Keeps the searchable index level with the log. The log is the truth; the index follows and can be rebuilt.
import { Mutex, type Log } from "@pratique/core";
import type { Database } from "@pratique/store";
import type { Appended } from "./appender.ts";
import { decodeRecord, rowOf } from "./entry.ts";
import { auditErrors } from "./errors.ts";
import { readBundle } from "./tile-reader.ts";
import { TILE_WIDTH, tileOf, tilePath } from "./tile.ts";

/** Beyond this many, rows that could not be written are read from the log again. */
const MAX_KEPT = 8192;

export class RecordIndex {
  readonly #records: Database["records"];
  readonly #mutex = new Mutex();
  #fresh: Appended[] = [];
  /** Records that the index has. */
  #size: number;

  private constructor(records: Database["records"], size: number) {
    this.#records = records;
    this.#size = size;
  }

  /**
   * Opens the index over a signed tree of `size` entries and the `recovered` ones after it, and brings it level.
   * @throws `audit.rolled-back` when it knows more than the log: something acknowledged is gone
   */
  static async open(o: {
    readonly records: Database["records"];
    readonly directory: string;
    readonly size: number;
    readonly recovered: readonly Appended[];
    readonly log: Log;
  }): Promise<RecordIndex> {
    const total = o.size + o.recovered.length;
    const indexed = (await o.records.highest()) + 1;
    if (indexed > total) throw auditErrors("audit.rolled-back", { records: total, indexed });
    const index = new RecordIndex(o.records, indexed);
    if (indexed > 0 && !(await index.#isOf(o.directory, o.size, o.recovered))) {
      o.log.warn("the index is of another log: it is built anew", { indexed });
      await o.records.removeFrom(0);
      index.#size = 0;
    }
    index.#fresh = [...o.recovered];
    await index.level(o.directory, o.size);
    if (index.#size > indexed) o.log.info("brought the index level with the log", { records: index.#size - indexed });
    return index;
  }

  /** How many records the index has. */
  get size(): number {
    return this.#size;
  }

  /** Notes records that are durable; they reach the index at the next `level`. */
  add(group: readonly Appended[]): void {
    this.#fresh.push(...group);
  }

  /** Writes what is missing. `size` is how many entries the tree on disk has. Idempotent. */
  level(directory: string, size: number): Promise<void> {
    return this.#mutex.run(async () => {
      const fresh = [...this.#fresh];
      const from = fresh[0]?.record.sequence ?? size;
      while (this.#size < Math.min(from, size)) await this.#copyBundle(directory, size);
      const missing = fresh.filter(({ record }) => record.sequence >= this.#size);
      await this.#records.insertAll(missing.map(({ record, entry }) => rowOf(record, entry)));
      this.#size += missing.length;
      this.#fresh = this.#fresh.filter(({ record }) => record.sequence >= this.#size);
    });
  }

  /** After a failure: lets go of rows that the tree on disk has, so that memory stays bounded. */
  forget(size: number): void {
    if (this.#fresh.length > MAX_KEPT) this.#fresh = this.#fresh.filter(({ record }) => record.sequence >= size);
  }

  async #copyBundle(directory: string, size: number): Promise<void> {
    const index = Math.floor(this.#size / TILE_WIDTH);
    const entries = await readBundle(directory, index, size);
    const file = bundleFile(index, size);
    const rows = entries.map((entry, at) => rowOf(decodeRecord(entry, index * TILE_WIDTH + at, file), entry));
    await this.#records.insertAll(rows.filter(({ sequence }) => sequence >= this.#size));
    this.#size = index * TILE_WIDTH + rows.length;
  }

  /** Whether the last row is what the log has in its place. */
  async #isOf(directory: string, size: number, recovered: readonly Appended[]): Promise<boolean> {
    const [row] = await this.#records.find({ limit: 1 });
    if (row === undefined) return false;
    const entry =
      row.sequence < size
        ? (await readBundle(directory, Math.floor(row.sequence / TILE_WIDTH), size))[row.sequence % TILE_WIDTH]
        : recovered[row.sequence - size]?.entry;
    return entry?.toString() === row.body;
  }
}

function bundleFile(index: number, size: number): string {
  const address = tileOf("entries", index, size);
  return address === undefined ? "tile/entries" : tilePath(address);
}
