// Answers to acts that waited for approval: which of them still count.
import type { Kysely } from "kysely";
import type { Tables } from "./tables.ts";

export interface ApprovalRow {
  id: string;
  /** Digest of who wants to do what to what with which arguments. */
  key: string;
  /** approved: counts until then. used: counted, for the one call that it was for. */
  state: "approved" | "used" | "denied";
  answeredBy: string;
  answeredAt: string;
  /** RFC 3339. */
  until: string;
  /** 1: counts for every equal call until then. */
  isRemembered: number;
  /** Id of the record of the answer; null until that is durable, and then it counts for nothing. */
  record: string | null;
}

export interface ApprovalTables {
  approvals: ApprovalRow;
}

export interface ApprovalTable {
  insert(row: ApprovalRow): Promise<void>;
  confirm(id: string, record: string): Promise<void>;
  /** False when it was used already. */
  use(id: string): Promise<boolean>;
  get(id: string): Promise<ApprovalRow | undefined>;
  /** Approvals that count at that time. */
  standing(now: string): Promise<ApprovalRow[]>;
  /** Forgets what nobody was told of, and what is older. */
  prune(before: string): Promise<void>;
}

export async function makeApprovalTable(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("approvals")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("key", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("answeredBy", "text", (column) => column.notNull())
    .addColumn("answeredAt", "text", (column) => column.notNull())
    .addColumn("until", "text", (column) => column.notNull())
    .addColumn("isRemembered", "integer", (column) => column.notNull())
    .addColumn("record", "text")
    .execute();
  await db.schema.createIndex("approvals_state").on("approvals").columns(["state", "until"]).execute();
}

export function approvalTable(db: Kysely<Tables>): ApprovalTable {
  return {
    async insert(row) {
      await db.insertInto("approvals").values(row).execute();
    },
    async confirm(id, record) {
      await db.updateTable("approvals").set({ record }).where("id", "=", id).execute();
    },
    async use(id) {
      const result = await db
        .updateTable("approvals")
        .set({ state: "used" })
        .where("id", "=", id)
        .where("state", "=", "approved")
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    get: (id) => db.selectFrom("approvals").selectAll().where("id", "=", id).executeTakeFirst(),
    standing: (now) =>
      db
        .selectFrom("approvals")
        .selectAll()
        .where("state", "=", "approved")
        .where("record", "is not", null)
        .where("until", ">", now)
        .orderBy("id")
        .execute(),
    async prune(before) {
      await db
        .deleteFrom("approvals")
        .where(({ eb, or }) => or([eb("record", "is", null), eb("until", "<", before)]))
        .execute();
    },
  };
}
