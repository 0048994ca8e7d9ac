// The inventory: what comes and goes with artifacts and advisories, and what is told of it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PackageComponent } from "@pratique/contracts";
import { manualClock } from "@pratique/core";
import { openDatabase, type Database } from "@pratique/store";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openAdvisoryDatabase, type AdvisoryDatabase } from "../database/advisory-database.ts";
import { importPath } from "../import/import-path.ts";
import { Inventory, type InventoryEntry } from "./inventory.ts";
import { writeOsv, type OsvRecord } from "./osv.fixture.ts";

const clock = manualClock("2026-11-24T12:00:00Z");
let directory: string;
let store: Database;
let advisories: AdvisoryDatabase;
let inventory: Inventory;
let count = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-inventory-"));
  store = await openDatabase({ file: join(directory, "p.db") });
});

beforeEach(async () => {
  await store.inventory.clear();
  for (const { id } of await store.inventory.untold()) await store.inventory.told(id);
  advisories = await openAdvisoryDatabase(join(directory, `a-${(count += 1)}.db`), { clock });
  inventory = new Inventory({
    table: store.inventory,
    advisories: () => advisories,
    clock,
    ids: () => `change-${String((count += 1)).padStart(4, "0")}`,
  });
});

afterEach(() => advisories.close());

afterAll(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function know(...records: OsvRecord[]): Promise<void> {
  const path = join(directory, `osv-${(count += 1)}`);
  await writeOsv(path, records);
  await importPath(advisories, path, { clock, older: true });
}

function npm(name: string, version: string, facts: Partial<PackageComponent> = {}): PackageComponent {
  return { type: "npm", name, version, purl: `pkg:npm/${name}@${version}`, licences: [], locations: [name], ...facts };
}

const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

function entry(
  letter: string,
  components: readonly PackageComponent[],
  facts: Partial<InventoryEntry> = {},
): InventoryEntry {
  return {
    repository: "team/app",
    digest: digestOf(letter),
    kind: "image",
    listing: { key: `catalogue ${letter}`, origin: "catalogue", components, unread: [] },
    members: [],
    ...facts,
  };
}

async function usersOf(name: string): Promise<string[]> {
  const packages = await inventory.table.packagesNamed(name);
  const uses = await inventory.table.usesOf(packages.map(({ id }) => id));
  return uses.map(({ repository, digest }) => `${repository}@${digest.slice(7, 8)}`).toSorted();
}

const LEFT_PAD: OsvRecord = { id: "GHSA-1", name: "left-pad", fixed: "1.3.1", aliases: ["CVE-2026-1"] };

describe("artifacts", () => {
  it("are found by what they have, in every repository that has them", async () => {
    const components = [npm("left-pad", "1.3.0"), npm("zlib", "1.0.0")];
    await inventory.keep({ entries: [entry("a", components), entry("a", components, { repository: "other" })] });
    expect(await usersOf("left-pad")).toEqual(["other@a", "team/app@a"]);
    await inventory.keep({ gone: [{ repository: "other", digest: digestOf("a") }] });
    expect(await usersOf("left-pad")).toEqual(["team/app@a"]);
  });

  it("leave nothing behind when the last one goes", async () => {
    await know(LEFT_PAD);
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0")]), entry("b", [npm("left-pad", "1.3.0")])] });
    await inventory.keep({ gone: [{ repository: "team/app", digest: digestOf("a") }] });
    expect(await inventory.table.findingsNamed("CVE-2026-1")).toHaveLength(1);
    await inventory.keep({ gone: [{ repository: "team/app", digest: digestOf("b") }] });
    expect(await inventory.table.counts()).toEqual({ artifacts: 0, packages: 0, unlisted: 0 });
    expect(await inventory.table.findingsNamed("CVE-2026-1")).toEqual([]);
  });

  it("have the list that came last", async () => {
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0")])] });
    const listing = {
      key: "attestation x",
      origin: "attestation",
      components: [npm("zlib", "1.0.0")],
      unread: [],
    } as const;
    await inventory.keep({ entries: [entry("a", [], { listing })] });
    expect([await usersOf("left-pad"), await usersOf("zlib")]).toEqual([[], ["team/app@a"]]);
  });

  it("of an index are the index's too", async () => {
    const index = entry("i", [], { kind: "index", listing: undefined, members: [digestOf("a"), digestOf("b")] });
    await inventory.keep({
      entries: [entry("a", [npm("left-pad", "1.3.0")]), entry("b", [npm("zlib", "1.0.0")]), index],
    });
    expect(await usersOf("left-pad")).toEqual(["team/app@a", "team/app@i"]);
    const lists = await inventory.listings("team/app", digestOf("i"));
    expect(lists.map(({ listing }) => listing.components[0]?.name)).toEqual(["left-pad", "zlib"]);
  });

  it("of an index are not whole while a part of it has no list", async () => {
    const members = [digestOf("a"), digestOf("b"), digestOf("c")];
    const index = entry("i", [], { kind: "index", listing: undefined, members });
    const damaged = entry("b", [], { listing: undefined, problem: "a layer is damaged" });
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0")]), damaged, index] });
    const lists = await inventory.listings("team/app", digestOf("i"));
    expect(lists.flatMap(({ listing }) => listing.unread.map(({ path }) => path))).toEqual(members.slice(1));
  });

  it("give back their list whole: places, layers, what was not read", async () => {
    const components = [npm("left-pad", "1.3.0", { locations: ["a", "b"], layer: digestOf("l"), licences: ["MIT"] })];
    const listing = {
      key: "k",
      origin: "catalogue",
      components,
      unread: [{ path: "x.jar", reason: "damaged" }],
    } as const;
    await inventory.keep({ entries: [entry("a", [], { listing })] });
    expect((await inventory.listings("team/app", digestOf("a")))[0]?.listing).toMatchObject({ ...listing });
  });

  it("that nobody could list are counted", async () => {
    await inventory.keep({ entries: [entry("a", [], { listing: undefined, problem: "a layer is damaged" })] });
    expect(await inventory.table.counts()).toMatchObject({ artifacts: 1, unlisted: 1 });
  });
});

describe("new advisories", () => {
  it("name the packages that they concern, and only once", async () => {
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0"), npm("zlib", "1.0.0")])] });
    await inventory.reevaluate();
    await know(LEFT_PAD);
    expect(await inventory.reevaluate()).toMatchObject({
      packages: [{ purl: "pkg:npm/left-pad@1.3.0", found: ["CVE-2026-1"], gone: [] }],
    });
    expect(await inventory.reevaluate()).toBeUndefined();
    expect(await inventory.untold()).toHaveLength(1);
    await inventory.table.told((await inventory.untold())[0]!.id);
    expect(await inventory.untold()).toEqual([]);
  });

  it("name what is free of them again", async () => {
    await know(LEFT_PAD);
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0")])] });
    await inventory.reevaluate();
    await know({ ...LEFT_PAD, withdrawn: "2026-11-24T01:00:00Z", modified: "2026-11-24T01:00:00Z" });
    expect(await inventory.reevaluate()).toMatchObject({ packages: [{ found: [], gone: ["CVE-2026-1"] }] });
  });

  it("that mend what was open are told of, and other words are not", async () => {
    await know({ id: "GHSA-1", name: "left-pad" });
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0")])] });
    await inventory.reevaluate();
    await know({ id: "GHSA-1", name: "left-pad", fixed: "1.3.1", modified: "2026-11-24T02:00:00Z" });
    expect(await inventory.reevaluate()).toMatchObject({ packages: [{ changed: ["GHSA-1"] }] });
    await know({ id: "GHSA-2", name: "zlib", modified: "2026-11-24T03:00:00Z" });
    expect(await inventory.reevaluate()).toBeUndefined();
  });

  it("are known to artifacts that come later, without a word of news", async () => {
    await know(LEFT_PAD);
    await inventory.reevaluate();
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0")])] });
    expect(await inventory.table.findingsNamed("GHSA-1")).toHaveLength(1);
    expect(await inventory.reevaluate()).toBeUndefined();
  });

  it("reach artifacts that come while they do", async () => {
    await know(LEFT_PAD);
    const artifacts = ["a", "b", "c", "d"].map((letter, at) => entry(letter, [npm("left-pad", `1.${at}.0`)]));
    await Promise.all([
      ...artifacts.map((one) => inventory.keep({ entries: [one] })),
      inventory.reevaluate(),
      know({ id: "GHSA-9", name: "left-pad", modified: "2026-11-24T02:00:00Z" }).then(() => inventory.reevaluate()),
    ]);
    expect(await inventory.table.findingsNamed("GHSA-9")).toHaveLength(4);
  });

  it("of a database that is another one are all looked at", async () => {
    await know(LEFT_PAD);
    await inventory.keep({ entries: [entry("a", [npm("left-pad", "1.3.0")])] });
    await inventory.reevaluate();
    await advisories.close();
    advisories = await openAdvisoryDatabase(join(directory, "other.db"), { clock });
    await know({ id: "GHSA-7", name: "left-pad" });
    expect(await inventory.reevaluate()).toMatchObject({ packages: [{ found: ["GHSA-7"], gone: ["CVE-2026-1"] }] });
  });

  it("concern only the package of that distribution, although the names are the same", async () => {
    const deb = (release: string): PackageComponent => ({
      type: "deb",
      namespace: "debian",
      name: "libssl3",
      version: "3.0.11-1",
      purl: "pkg:deb/debian/libssl3@3.0.11-1",
      source: { name: "openssl", version: "3.0.11-1" },
      distribution: { id: "debian", version: release },
      licences: [],
      locations: [],
    });
    await inventory.keep({ entries: [entry("a", [deb("12")]), entry("b", [deb("11")])] });
    await inventory.reevaluate();
    await know({ id: "DSA-1", name: "openssl", ecosystem: "Debian:12", fixed: "3.0.12-1" });
    const change = await inventory.reevaluate();
    const uses = await inventory.table.usesOf(change!.packages.map((one) => one.package));
    expect(uses.map(({ digest }) => digest)).toEqual([digestOf("a")]);
  });
});
