// The inventory: written in whole batches, asked from the package to the artifacts and back.
import { sql, type Kysely } from "kysely";
import type {
  InventoryArtifactRow,
  InventoryChangeRow,
  InventoryDocumentRow,
  InventoryFindingRow,
  InventoryPackageRow,
} from "./inventory-rows.ts";
import { clearInventory, writeInventory, type InventoryBatch } from "./inventory-writer.ts";
import { gather } from "./slices.ts";
import type { Tables } from "./tables.ts";

export interface PackageUse {
  readonly package: number;
  readonly repository: string;
  readonly digest: string;
  /** Of the artifact; `index` for one that lists it. */
  readonly kind: string;
}

export interface InventoryTable {
  write(batch: InventoryBatch): Promise<void>;
  state(key: string): Promise<string | undefined>;
  /** Takes everything out, but what is still to be told. */
  clear(): Promise<void>;
  counts(): Promise<{ artifacts: number; packages: number; unlisted: number }>;

  artifact(repository: string, digest: string): Promise<InventoryArtifactRow | undefined>;
  /** The same digest may lie in several repositories. */
  artifactsOf(digest: string): Promise<InventoryArtifactRow[]>;
  artifactsIn(repository: string): Promise<InventoryArtifactRow[]>;
  /** Whose list came from this referrer. */
  artifactsListedBy(repository: string, referrer: string): Promise<string[]>;
  repositories(): Promise<string[]>;
  tagsIn(repository: string): Promise<{ tag: string; digest: string }[]>;
  membersOf(repository: string, digest: string): Promise<string[]>;
  document(key: string): Promise<InventoryDocumentRow | undefined>;
  documentOf(id: number): Promise<(InventoryDocumentRow & { content: Uint8Array }) | undefined>;

  /** Packages after an id, in order. */
  packages(after: number, limit: number): Promise<InventoryPackageRow[]>;
  /** Which of these keys are there. */
  knownPackages(keys: readonly string[]): Promise<Set<string>>;
  packagesOf(ids: readonly number[]): Promise<InventoryPackageRow[]>;
  /** Those that advisories find under one of these names. */
  packagesUnder(lookups: readonly string[]): Promise<InventoryPackageRow[]>;
  /** By full name, name without namespace, or source package; lower case. */
  packagesNamed(name: string): Promise<InventoryPackageRow[]>;
  findingsOf(packages: readonly number[]): Promise<InventoryFindingRow[]>;
  /** What is known under an id or alias; upper case. */
  findingsNamed(alias: string): Promise<InventoryFindingRow[]>;
  /** Artifacts that have one of the packages, indexes among them. */
  usesOf(packages: readonly number[]): Promise<PackageUse[]>;
  /** Tags that name one of the artifacts, by `repository@digest`. */
  tagsOf(
    artifacts: readonly { readonly repository: string; readonly digest: string }[],
  ): Promise<Map<string, string[]>>;

  untold(): Promise<InventoryChangeRow[]>;
  told(id: string): Promise<void>;
  /** Newest first. */
  changes(limit: number): Promise<InventoryChangeRow[]>;
}

const CHANGES_KEPT = 100;

export function inventoryTable(db: Kysely<Tables>): InventoryTable {
  const packages = () => db.selectFrom("inventoryPackages").selectAll();
  return {
    write: (batch) => db.transaction().execute((transaction) => writeInventory(transaction, batch)),
    async state(key) {
      return (await db.selectFrom("inventoryState").select("value").where("key", "=", key).executeTakeFirst())?.value;
    },
    clear: () => db.transaction().execute(clearInventory),
    async counts() {
      const artifacts = await db
        .selectFrom("inventoryArtifacts")
        .select(({ fn }) => [fn.countAll<number>().as("all"), fn.count<number>("document").as("listed")])
        .where("kind", "!=", "index")
        .executeTakeFirstOrThrow();
      const { all } = await db
        .selectFrom("inventoryPackages")
        .select(({ fn }) => fn.countAll<number>().as("all"))
        .executeTakeFirstOrThrow();
      return { artifacts: artifacts.all, packages: all, unlisted: artifacts.all - artifacts.listed };
    },
    artifact: (repository, digest) =>
      db
        .selectFrom("inventoryArtifacts")
        .selectAll()
        .where("repository", "=", repository)
        .where("digest", "=", digest)
        .executeTakeFirst(),
    artifactsOf: (digest) =>
      db.selectFrom("inventoryArtifacts").selectAll().where("digest", "=", digest).orderBy("repository").execute(),
    artifactsIn: (repository) =>
      db.selectFrom("inventoryArtifacts").selectAll().where("repository", "=", repository).execute(),
    async artifactsListedBy(repository, referrer) {
      const rows = await db
        .selectFrom("inventoryArtifacts")
        .select("digest")
        .where("repository", "=", repository)
        .where("body", "like", `%"referrer":"${referrer.replaceAll(/[%_]/g, "")}"%`)
        .execute();
      return rows.map(({ digest }) => digest);
    },
    async repositories() {
      const rows = await db.selectFrom("inventoryArtifacts").select("repository").distinct().execute();
      return rows.map(({ repository }) => repository);
    },
    tagsIn: (repository) =>
      db.selectFrom("inventoryTags").select(["tag", "digest"]).where("repository", "=", repository).execute(),
    async membersOf(repository, digest) {
      const rows = await db
        .selectFrom("inventoryMembers")
        .select("member")
        .where("repository", "=", repository)
        .where("digest", "=", digest)
        .orderBy("member")
        .execute();
      return rows.map(({ member }) => member);
    },
    document: (key) => db.selectFrom("inventoryDocuments").selectAll().where("key", "=", key).executeTakeFirst(),
    documentOf: (id) =>
      db
        .selectFrom("inventoryDocuments")
        .innerJoin("inventoryContents", "inventoryContents.document", "inventoryDocuments.id")
        .selectAll("inventoryDocuments")
        .select("inventoryContents.content")
        .where("id", "=", id)
        .executeTakeFirst(),
    packages: (after, limit) => packages().where("id", ">", after).orderBy("id").limit(limit).execute(),
    async knownPackages(keys) {
      const rows = await gather(keys, (some) =>
        db.selectFrom("inventoryPackages").select("key").where("key", "in", some).execute(),
      );
      return new Set(rows.map(({ key }) => key));
    },
    packagesOf: (ids) => gather(ids, (some) => packages().where("id", "in", some).execute()),
    async packagesUnder(lookups) {
      const found = await gather(lookups, (some) =>
        db
          .selectFrom("inventoryLookups")
          .innerJoin("inventoryPackages", "inventoryPackages.id", "inventoryLookups.package")
          .selectAll("inventoryPackages")
          .distinct()
          .where("lookup", "in", some)
          .execute(),
      );
      return [...new Map(found.map((row) => [row.id, row])).values()];
    },
    packagesNamed: (name) =>
      packages()
        .where(({ or, eb }) => or([eb("name", "=", name), eb("baseName", "=", name), eb("sourceName", "=", name)]))
        .orderBy("name")
        .orderBy("id")
        .execute(),
    findingsOf: (ids) =>
      gather(ids, (some) => db.selectFrom("inventoryFindings").selectAll().where("package", "in", some).execute()),
    findingsNamed: (alias) =>
      db
        .selectFrom("inventoryAliases")
        .innerJoin("inventoryFindings", (join) =>
          join
            .onRef("inventoryFindings.package", "=", "inventoryAliases.package")
            .onRef("inventoryFindings.advisory", "=", "inventoryAliases.advisory"),
        )
        .selectAll("inventoryFindings")
        .where("alias", "=", alias)
        .execute(),
    usesOf: (ids) =>
      gather(ids, async (some) => {
        const direct = await db
          .selectFrom("inventoryUses")
          .innerJoin("inventoryArtifacts", "inventoryArtifacts.document", "inventoryUses.document")
          .select([
            "inventoryUses.package",
            "inventoryArtifacts.repository",
            "inventoryArtifacts.digest",
            "inventoryArtifacts.kind",
          ])
          .where("inventoryUses.package", "in", some)
          .execute();
        const through = await db
          .selectFrom("inventoryUses")
          .innerJoin("inventoryArtifacts", "inventoryArtifacts.document", "inventoryUses.document")
          .innerJoin("inventoryMembers", (join) =>
            join
              .onRef("inventoryMembers.member", "=", "inventoryArtifacts.digest")
              .onRef("inventoryMembers.repository", "=", "inventoryArtifacts.repository"),
          )
          .select(["inventoryUses.package", "inventoryMembers.repository", "inventoryMembers.digest"])
          .where("inventoryUses.package", "in", some)
          .execute();
        return [...direct, ...through.map((row) => ({ ...row, kind: "index" }))];
      }),
    async tagsOf(artifacts) {
      const wanted = new Set(artifacts.map(({ repository, digest }) => `${repository}@${digest}`));
      const digests = [...new Set(artifacts.map(({ digest }) => digest))];
      const rows = await gather(digests, (some) =>
        db.selectFrom("inventoryTags").selectAll().where("digest", "in", some).orderBy("tag").execute(),
      );
      const found = new Map<string, string[]>();
      for (const { repository, tag, digest } of rows) {
        const name = `${repository}@${digest}`;
        if (!wanted.has(name)) continue;
        const tags = found.get(name);
        if (tags === undefined) found.set(name, [tag]);
        else tags.push(tag);
      }
      return found;
    },
    untold: () => db.selectFrom("inventoryChanges").selectAll().where("isTold", "=", 0).orderBy("id").execute(),
    async told(id) {
      await db.updateTable("inventoryChanges").set({ isTold: 1 }).where("id", "=", id).execute();
      await sql`DELETE FROM "inventoryChanges" WHERE "isTold" = 1 AND "id" NOT IN (
        SELECT "id" FROM "inventoryChanges" ORDER BY "id" DESC LIMIT ${CHANGES_KEPT})`.execute(db);
    },
    changes: (limit) => db.selectFrom("inventoryChanges").selectAll().orderBy("id", "desc").limit(limit).execute(),
  };
}
