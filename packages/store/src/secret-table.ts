// Sealed secrets and leases: replaced only by who knows the version that is there.
import type { Kysely } from "kysely";
import type { SecretRow } from "./secret-rows.ts";
import type { Tables } from "./tables.ts";

export interface SecretKey {
  readonly owner: string;
  readonly name: string;
}

export interface SecretTable {
  get(key: SecretKey): Promise<SecretRow | undefined>;
  /** False when one of that name is there. */
  insert(row: SecretRow): Promise<boolean>;
  /** Puts `row` in the place of the version that is named; false when another is there, or none. */
  replace(row: SecretRow, version: number): Promise<boolean>;
  /** Wraps the same data key anew; false when the row is no longer the one that was read. */
  rewrap(row: SecretRow, to: { readonly keyId: string; readonly wrappedKey: string }): Promise<boolean>;
  /** False when there was none. */
  remove(key: SecretKey): Promise<boolean>;
  /** By kind, owner and name; of one kind or of all. */
  list(kind?: string): Promise<SecretRow[]>;
  /** How many lie under each key. */
  countByKey(): Promise<{ keyId: string; count: number }[]>;
}

export interface LeaseTable {
  /** True when nobody else holds it, or no longer. */
  take(key: string, holder: string, nowMs: number, untilMs: number): Promise<boolean>;
  release(key: string, holder: string): Promise<void>;
}

export function secretTable(db: Kysely<Tables>): SecretTable {
  return {
    get: ({ owner, name }) =>
      db.selectFrom("secrets").selectAll().where("owner", "=", owner).where("name", "=", name).executeTakeFirst(),
    async insert(row) {
      const result = await db
        .insertInto("secrets")
        .values(row)
        .onConflict((conflict) => conflict.columns(["owner", "name"]).doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    async replace({ owner, name, ...change }, version) {
      const result = await db
        .updateTable("secrets")
        .set(change)
        .where("owner", "=", owner)
        .where("name", "=", name)
        .where("version", "=", version)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async rewrap({ owner, name, version, wrappedKey }, to) {
      const result = await db
        .updateTable("secrets")
        .set({ ...to })
        .where("owner", "=", owner)
        .where("name", "=", name)
        .where("version", "=", version)
        .where("wrappedKey", "=", wrappedKey)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async remove({ owner, name }) {
      const result = await db
        .deleteFrom("secrets")
        .where("owner", "=", owner)
        .where("name", "=", name)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async list(kind) {
      const all = db.selectFrom("secrets").selectAll().orderBy("kind").orderBy("owner").orderBy("name");
      return await (kind === undefined ? all : all.where("kind", "=", kind)).execute();
    },
    async countByKey() {
      const rows = await db
        .selectFrom("secrets")
        .select(["keyId", (eb) => eb.fn.countAll<number | bigint | string>().as("count")])
        .groupBy("keyId")
        .orderBy("keyId")
        .execute();
      return rows.map(({ keyId, count }) => ({ keyId, count: Number(count) }));
    },
  };
}

export function leaseTable(db: Kysely<Tables>): LeaseTable {
  return {
    async take(key, holder, nowMs, untilMs) {
      const row = { key, holder, until: untilMs };
      const result = await db
        .insertInto("leases")
        .values(row)
        .onConflict((conflict) =>
          conflict
            .column("key")
            .doUpdateSet({ holder, until: untilMs })
            .where((eb) => eb.or([eb("leases.until", "<=", nowMs), eb("leases.holder", "=", holder)])),
        )
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    async release(key, holder) {
      await db.deleteFrom("leases").where("key", "=", key).where("holder", "=", holder).execute();
    },
  };
}
