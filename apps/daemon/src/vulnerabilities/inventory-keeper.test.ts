// The inventory beside a real registry: what comes, goes and is signed is known, after a crash and after a loss too.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "@pratique/contracts";
import { silentLog, systemClock, uuidv7, type Digest } from "@pratique/core";
import { attest, openSigningKey, type SigningKey } from "@pratique/evidence";
import { ActScope } from "@pratique/guard";
import { MEDIA_TYPES, openContentStore, type ContentStore, type Descriptor, type LocalRepository } from "@pratique/oci";
import { Housekeeping } from "@pratique/registry";
import { openDatabase, type Database } from "@pratique/store";
import { openAdvisoryDatabase, type Inventory } from "@pratique/vulnerabilities";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InventoryKeeper } from "./inventory-keeper.ts";
import { alsoTelling, openVulnerabilities } from "./open-vulnerabilities.ts";

const [clock, log] = [systemClock, silentLog];
const ids = (): string => uuidv7(clock);
let directory: string;
let key: SigningKey;
let stage: Stage;

interface Stage {
  readonly database: Database;
  readonly store: ContentStore;
  readonly repository: LocalRepository;
  readonly inventory: Inventory;
  readonly keeper: InventoryKeeper;
  close(): Promise<void>;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-keeper-"));
  key = await openSigningKey(join(directory, "keys"));
  stage = await open();
});

afterEach(async () => {
  await stage.close();
  await rm(directory, { recursive: true, force: true });
});

async function open(options: { databaseFile?: string; version?: string } = {}): Promise<Stage> {
  const database = await openDatabase({ file: join(directory, options.databaseFile ?? "db.sqlite") });
  const advisories = await openAdvisoryDatabase(join(directory, "advisories.db"), { clock });
  const acts = new ActScope();
  const audit = { find: async () => [], size: () => 0 };
  const config = Config.parse({}).registry;
  const journal = database.registry;
  const house = new Housekeeping({ config, journal, acts, audit, host: "registry.test", secrets: {}, clock, log, ids });
  const observer = alsoTelling(house.observer, () => undefined);
  const store = await openContentStore(join(directory, "registry"), { clock, log, observer });
  await house.start(store);
  const { inventory, keeper } = openVulnerabilities({
    database,
    advisories: { database: advisories },
    store,
    house,
    trust: { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] },
    registry: "registry.test",
    version: options.version ?? "1",
    clock,
    log,
    ids,
    onClose: () => undefined,
  });
  const close = async (): Promise<void> => {
    await keeper.close();
    await advisories.close();
    await store.close();
    await house.close();
    await database.close();
  };
  return { database, store, repository: store.repository("team/app"), inventory, keeper, close };
}

/** A tar of one file (POSIX ustar): enough for a package of npm. */
function layerWith(name: string, version: string): Buffer {
  const content = Buffer.from(JSON.stringify({ name, version }));
  const header = Buffer.alloc(512);
  header.write(`app/node_modules/${name}/package.json`, 0);
  header.write("0000644\0", 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\0", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(1024 + ((512 - (content.length % 512)) % 512))]);
}

async function push(name: string, tag?: string, repository = stage.repository): Promise<Descriptor> {
  const config = await repository.putBlob(Buffer.from("{}"));
  const layer = await repository.putBlob(layerWith(name, "1.0.0"));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...layer }],
  };
  return repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, tag);
}

async function pushIndex(manifests: readonly Descriptor[], tag: string): Promise<Descriptor> {
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests };
  return stage.repository.putManifest(Buffer.from(JSON.stringify(index)), MEDIA_TYPES.imageIndex, tag);
}

function sign(subject: Descriptor, name: string): Promise<Descriptor> {
  const components = [{ type: "library", name, version: "2.0.0", purl: `pkg:npm/${name}@2.0.0` }];
  const predicate = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components };
  const statement = { predicateType: "https://cyclonedx.org/bom", predicate };
  return attest(stage.repository, subject, statement, key, clock);
}

async function usersOf(name: string): Promise<Digest[]> {
  await stage.keeper.settled();
  const { table } = stage.inventory;
  const uses = await table.usesOf((await table.packagesNamed(name)).map(({ id }) => id));
  return uses.map(({ digest }) => digest as Digest).toSorted();
}

describe("an image", () => {
  it("is known when it came, under its tags, and gone when it went", async () => {
    const { digest } = await push("left-pad", "v1");
    expect(await usersOf("left-pad")).toEqual([digest]);
    expect(await stage.inventory.table.tagsIn("team/app")).toEqual([{ tag: "v1", digest }]);
    await stage.repository.deleteManifest(digest);
    expect(await usersOf("left-pad")).toEqual([]);
    expect(await stage.inventory.table.counts()).toEqual({ artifacts: 0, packages: 0, unlisted: 0 });
    expect(await stage.inventory.table.tagsIn("team/app")).toEqual([]);
  });

  it("is what its signed bill of materials says, until that is deleted", async () => {
    const subject = await push("left-pad");
    expect(await usersOf("left-pad")).toEqual([subject.digest]);
    const referrer = await sign(subject, "right-pad");
    expect([await usersOf("left-pad"), await usersOf("right-pad")]).toEqual([[], [subject.digest]]);
    await stage.repository.deleteManifest(referrer.digest);
    expect([await usersOf("left-pad"), await usersOf("right-pad")]).toEqual([[subject.digest], []]);
  });

  it("is not what a stranger says", async () => {
    const subject = await push("left-pad");
    const owner = key;
    key = await openSigningKey(join(directory, "strange-keys"));
    await sign(subject, "harmless");
    key = owner;
    expect([await usersOf("left-pad"), await usersOf("harmless")]).toEqual([[subject.digest], []]);
  });

  it("in an index is the index's too", async () => {
    const parts = [await push("left-pad"), await push("right-pad")];
    const index = await pushIndex(parts, "multi");
    expect(await usersOf("left-pad")).toEqual([parts[0]!.digest, index.digest].toSorted());
    expect(await stage.inventory.listings("team/app", index.digest)).toHaveLength(2);
  });

  it("that cannot be read is known as that, and does not hold up others", async () => {
    const { repository } = stage;
    const config = await repository.putBlob(Buffer.from("{}"));
    const layer = await repository.putBlob(Buffer.from("this is no gzip"));
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...layer }],
    };
    await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "bad");
    const { digest } = await push("left-pad");
    expect(await usersOf("left-pad")).toEqual([digest]);
    expect(await stage.inventory.table.counts()).toMatchObject({ artifacts: 2, unlisted: 1 });
  });

  it("that somebody asks for is looked at at once", async () => {
    const { digest } = await push("left-pad");
    await Promise.all([stage.keeper.ensure("team/app", digest), stage.keeper.ensure("team/app", digest)]);
    expect(await stage.inventory.listings("team/app", digest)).toHaveLength(1);
  });
});

describe("after a stop", () => {
  it("what came and went before it was looked at is known", async () => {
    const gone = await push("left-pad", "v1");
    await stage.keeper.settled();
    await stage.repository.deleteManifest(gone.digest);
    const { digest } = await push("right-pad", "v2");
    await stage.close();
    stage = await open();
    expect([await usersOf("left-pad"), await usersOf("right-pad")]).toEqual([[], [digest]]);
    expect(await stage.inventory.table.tagsIn("team/app")).toEqual([{ tag: "v2", digest }]);
  });

  it("all of it is found again when the database is lost", async () => {
    const { digest } = await push("left-pad", "v1");
    await stage.keeper.settled();
    await stage.close();
    stage = await open({ databaseFile: "another.sqlite" });
    expect(await usersOf("left-pad")).toEqual([digest]);
    expect(await stage.inventory.table.tagsIn("team/app")).toEqual([{ tag: "v1", digest }]);
  });

  it("lists are made anew by another version of the program", async () => {
    const { digest } = await push("left-pad");
    await stage.keeper.settled();
    const [before] = await stage.inventory.listings("team/app", digest);
    await stage.close();
    stage = await open({ version: "2" });
    await stage.keeper.settled();
    const [after] = await stage.inventory.listings("team/app", digest);
    expect(after?.listing.key).not.toBe(before?.listing.key);
  });
});
