// Writes the inventory, in batches of one transaction.
import { setImmediate as turn } from "node:timers/promises";
import type { Transaction } from "kysely";
import type {
  InventoryArtifactRow,
  InventoryChangeRow,
  InventoryDocumentRow,
  InventoryFindingRow,
  InventoryPackageRow,
} from "./inventory-rows.ts";
import { gather, slices } from "./slices.ts";
import type { Tables } from "./tables.ts";

export interface NewInventoryPackage extends Omit<InventoryPackageRow, "id"> {
  readonly lookups: readonly string[];
}

export interface NewInventoryDocument extends Omit<InventoryDocumentRow, "id"> {
  readonly content: Uint8Array;
  /** Keys of its packages; each is known, or in the same batch. */
  readonly packages: readonly string[];
}

export interface NewInventoryArtifact extends Omit<InventoryArtifactRow, "document"> {
  /** Key of its document, which is known, or in the same batch. */
  readonly document: string | null;
  /** What an index lists. */
  readonly members: readonly string[];
}

export interface NewInventoryFinding extends Omit<InventoryFindingRow, "package"> {
  readonly aliases: readonly string[];
}

/** Everything in it happens, or nothing. What no artifact needs any more goes along. */
export interface InventoryBatch {
  readonly packages?: readonly NewInventoryPackage[];
  readonly documents?: readonly NewInventoryDocument[];
  readonly artifacts?: readonly NewInventoryArtifact[];
  readonly gone?: readonly { readonly repository: string; readonly digest: string }[];
  /** Without a digest: the tag is gone. */
  readonly tags?: readonly { readonly repository: string; readonly tag: string; readonly digest: string | null }[];
  /** By package (key): all that is known against it now. */
  readonly findings?: ReadonlyMap<string, readonly NewInventoryFinding[]>;
  readonly change?: Omit<InventoryChangeRow, "isTold">;
  readonly state?: Readonly<Record<string, string>>;
}

export async function clearInventory(db: Transaction<Tables>): Promise<void> {
  const tables = [
    "inventoryAliases",
    "inventoryFindings",
    "inventoryTags",
    "inventoryMembers",
    "inventoryArtifacts",
    "inventoryUses",
    "inventoryContents",
    "inventoryDocuments",
    "inventoryLookups",
    "inventoryPackages",
    "inventoryState",
  ] as const;
  for (const table of tables) await db.deleteFrom(table).execute();
}

export async function writeInventory(db: Transaction<Tables>, batch: InventoryBatch): Promise<void> {
  const left = await removeArtifacts(db, batch);
  await writePackages(db, batch.packages ?? []);
  for (const document of batch.documents ?? []) await writeDocument(db, document);
  for (const artifact of batch.artifacts ?? []) await writeArtifact(db, artifact);
  for (const { repository, tag, digest } of batch.tags ?? []) {
    if (digest === null) {
      await db.deleteFrom("inventoryTags").where("repository", "=", repository).where("tag", "=", tag).execute();
    } else {
      await db
        .insertInto("inventoryTags")
        .values({ repository, tag, digest })
        .onConflict((conflict) => conflict.columns(["repository", "tag"]).doUpdateSet({ digest }))
        .execute();
    }
  }
  await removeUnused(db, left);
  if (batch.findings !== undefined) await writeFindings(db, batch.findings);
  if (batch.change !== undefined) {
    await db
      .insertInto("inventoryChanges")
      .values({ ...batch.change, isTold: 0 })
      .execute();
  }
  for (const [key, value] of Object.entries(batch.state ?? {})) {
    await db
      .insertInto("inventoryState")
      .values({ key, value })
      .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
      .execute();
  }
}

/** Returns the documents that may be without an artifact now. */
async function removeArtifacts(
  db: Transaction<Tables>,
  { gone = [], artifacts = [] }: InventoryBatch,
): Promise<number[]> {
  const left: number[] = [];
  for (const { repository, digest } of [...gone, ...artifacts]) {
    const row = await db
      .deleteFrom("inventoryArtifacts")
      .where("repository", "=", repository)
      .where("digest", "=", digest)
      .returning("document")
      .executeTakeFirst();
    if (row === undefined) continue;
    if (row.document !== null) left.push(row.document);
    await db.deleteFrom("inventoryMembers").where("repository", "=", repository).where("digest", "=", digest).execute();
  }
  return left;
}

async function removeUnused(db: Transaction<Tables>, documents: readonly number[]): Promise<void> {
  for (const document of new Set(documents)) {
    const user = await db
      .selectFrom("inventoryArtifacts")
      .select("digest")
      .where("document", "=", document)
      .limit(1)
      .executeTakeFirst();
    if (user !== undefined) continue;
    const uses = await db.deleteFrom("inventoryUses").where("document", "=", document).returning("package").execute();
    await db.deleteFrom("inventoryContents").where("document", "=", document).execute();
    await db.deleteFrom("inventoryDocuments").where("id", "=", document).execute();
    for (const some of slices(uses.map((row) => row.package))) await removePackages(db, some);
  }
}

async function removePackages(db: Transaction<Tables>, some: readonly number[]): Promise<void> {
  const used = await db.selectFrom("inventoryUses").select("package").distinct().where("package", "in", some).execute();
  const still = new Set(used.map((row) => row.package));
  const unused = some.filter((id) => !still.has(id));
  if (unused.length === 0) return;
  for (const table of ["inventoryLookups", "inventoryFindings", "inventoryAliases"] as const) {
    await db.deleteFrom(table).where("package", "in", unused).execute();
  }
  await db.deleteFrom("inventoryPackages").where("id", "in", unused).execute();
}

async function packageIds(db: Transaction<Tables>, keys: readonly string[]): Promise<Map<string, number>> {
  const rows = await gather(keys, (some) =>
    db.selectFrom("inventoryPackages").select(["id", "key"]).where("key", "in", some).execute(),
  );
  return new Map(rows.map(({ id, key }) => [key, id]));
}

async function writePackages(db: Transaction<Tables>, packages: readonly NewInventoryPackage[]): Promise<void> {
  for (const some of slices(packages)) {
    await db
      .insertInto("inventoryPackages")
      .values(
        some.map(({ key, name, baseName, sourceName, component }) => {
          return { key, name, baseName, sourceName, component };
        }),
      )
      .onConflict((conflict) => conflict.column("key").doNothing())
      .execute();
  }
  const ids = await packageIds(
    db,
    packages.map(({ key }) => key),
  );
  const lookups = packages.flatMap(({ key, lookups: names }) =>
    [...new Set(names)].flatMap((lookup) => ({ lookup, package: idOf(ids, key) })),
  );
  for (const some of slices(lookups)) {
    await db
      .insertInto("inventoryLookups")
      .values(some)
      .onConflict((conflict) => conflict.columns(["lookup", "package"]).doNothing())
      .execute();
  }
}

async function writeDocument(db: Transaction<Tables>, document: NewInventoryDocument): Promise<void> {
  const { content, packages, ...row } = document;
  const made = await db
    .insertInto("inventoryDocuments")
    .values(row)
    .onConflict((conflict) => conflict.column("key").doNothing())
    .returning("id")
    .executeTakeFirst();
  // Equal keys, equal documents.
  if (made === undefined) return;
  await db.insertInto("inventoryContents").values({ document: made.id, content }).execute();
  const keys = [...new Set(packages)];
  const ids = await packageIds(db, keys);
  for (const some of slices(keys)) {
    await db
      .insertInto("inventoryUses")
      .values(some.map((key) => ({ package: idOf(ids, key), document: made.id })))
      .execute();
  }
}

async function writeArtifact(db: Transaction<Tables>, artifact: NewInventoryArtifact): Promise<void> {
  const { members, document, ...row } = artifact;
  let id: number | null = null;
  if (document !== null) {
    const found = await db
      .selectFrom("inventoryDocuments")
      .select("id")
      .where("key", "=", document)
      .executeTakeFirstOrThrow();
    id = found.id;
  }
  await db
    .insertInto("inventoryArtifacts")
    .values({ ...row, document: id })
    .execute();
  const { repository, digest } = row;
  for (const some of slices([...new Set(members)])) {
    await db
      .insertInto("inventoryMembers")
      .values(some.map((member) => ({ repository, digest, member })))
      .execute();
  }
}

async function writeFindings(
  db: Transaction<Tables>,
  findings: ReadonlyMap<string, readonly NewInventoryFinding[]>,
): Promise<void> {
  const ids = await packageIds(db, [...findings.keys()]);
  for (const some of slices([...ids.values()])) {
    await db.deleteFrom("inventoryFindings").where("package", "in", some).execute();
    await db.deleteFrom("inventoryAliases").where("package", "in", some).execute();
  }
  const rows: InventoryFindingRow[] = [];
  const aliases = new Map<string, { alias: string; package: number; advisory: string }>();
  for (const [key, id] of ids) {
    for (const { aliases: names, advisory, body } of findings.get(key) ?? []) {
      rows.push({ package: id, advisory, body });
      for (const alias of new Set(names)) aliases.set(`${alias} ${id} ${advisory}`, { alias, package: id, advisory });
    }
  }
  for (const some of slices(rows)) {
    await db.insertInto("inventoryFindings").values(some).execute();
    // SQLite works in this thread: whoever waits for something else gets a turn.
    await turn();
  }
  for (const some of slices([...aliases.values()])) await db.insertInto("inventoryAliases").values(some).execute();
}

function idOf(ids: ReadonlyMap<string, number>, key: string): number {
  const id = ids.get(key);
  if (id === undefined) throw new Error(`a package of the inventory is not in its batch: ${key}`);
  return id;
}
