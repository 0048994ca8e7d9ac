// The database's life: versions, what changed, freshness, damage.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { component, openWorkbench, record, type Workbench } from "./workbench.fixture.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

/** Names by ecosystem as plain values. */
function changesSince(version: string): unknown {
  const changes = bench.database.changedSince(version);
  if (changes.all) return "all";
  return Object.fromEntries([...changes.names].map(([ecosystem, names]) => [ecosystem, [...names].toSorted()]));
}

describe("the version", () => {
  it("changes with the content and with nothing else, also across opens", async () => {
    expect(bench.database.version).toBe("none");
    await bench.records([record("A-1", "npm", "a", "2.0.0")]);
    const { version } = bench.database;
    expect(version).toMatch(/^1-[0-9a-f]{12}$/);
    await bench.records([record("A-1", "npm", "a", "2.0.0")]);
    await bench.reopen();
    expect(bench.database.version).toBe(version);
    await bench.records([record("A-1", "npm", "a", "3.0.0")]);
    expect(bench.database.version).not.toBe(version);
  });
});

describe("changedSince", () => {
  it("names exactly the packages of which something else is said", async () => {
    await bench.records([
      record("A-1", "npm", "a", "2.0.0"),
      record("A-2", "PyPI", "B_b", "2"),
      record("A-3", "npm", "c", "2.0.0", { aliases: ["CVE-2024-1111"] }),
    ]);
    const { version } = bench.database;
    expect(changesSince(version)).toEqual({});
    await bench.records([
      record("A-1", "npm", "a", "2.0.0"),
      record("A-2", "PyPI", "b-b", "3", { modified: "2026-05-03T00:00:00Z" }),
    ]);
    expect(changesSince(version)).toEqual({ PyPI: ["b-b"] });
    const second = bench.database.version;
    await bench.import(await bench.file("kev.csv", "cveID,x\nCVE-2024-1111,x\n"));
    expect(changesSince(second)).toEqual({ npm: ["c"] });
    expect(changesSince(version)).toEqual({ PyPI: ["b-b"], npm: ["c"] });
    await bench.import(await bench.file("epss.csv", "cve,epss,percentile\nCVE-2024-1111,0.5,1\n"));
    await bench.records([record("A-1", "npm", "a", "2.0.0")], { replace: true, older: true });
    expect(changesSince(second)).toEqual({ PyPI: ["b-b"], npm: ["c"] });
  });

  it("says all for a version of another database, or none", async () => {
    await bench.records([record("A-1", "npm", "a", "2.0.0")]);
    for (const version of ["none", "1-000000000000", "7-aaaaaaaaaaaa", "", "x".repeat(1000)]) {
      expect(changesSince(version)).toBe("all");
    }
  });
});

describe("status", () => {
  it("tells not checked, current, stale and unavailable apart", async () => {
    expect(bench.database.status()).toMatchObject({ version: "none", freshness: "not-checked", sources: [] });
    await bench.records([record("A-1", "npm", "a", "2.0.0", { modified: "2026-05-31T00:00:00Z" })]);
    const freshness = () => bench.database.status().sources.map(({ freshness: one, ageSeconds }) => [one, ageSeconds]);
    expect(freshness()).toEqual([["current", 86_400]]);
    bench.clock.advance(7 * 86_400_000);
    expect(freshness()).toEqual([["stale", 8 * 86_400]]);
    const component1 = component("npm", "a", "1.0.0");
    expect(bench.database.examine([component1])).toMatchObject({ freshness: "stale", checked: 1 });
  });
});

it("starts anew from a file that is damaged, knowing nothing rather than something wrong", async () => {
  await bench.records([record("A-1", "npm", "a", "2.0.0")]);
  await bench.database.close();
  await writeFile(join(bench.directory, "advisories.db"), "this is not a database, but it is long enough".repeat(1000));
  await bench.reopen();
  expect(bench.database.status()).toMatchObject({ version: "none", freshness: "not-checked" });
  expect(bench.database.examine([component("npm", "a", "1.0.0")]).unchecked).toMatchObject([{ reason: "no-data" }]);
});

it("answers from what was there before while an import runs", async () => {
  await bench.records([record("A-1", "npm", "a", "2.0.0")]);
  const { version } = bench.database;
  await bench.database.write(async (writer) => {
    writer.remove("osv", "A-1");
    expect(bench.database.match([component("npm", "a", "1.0.0")])).toHaveLength(1);
    expect(bench.database.version).toBe(version);
  });
  expect(bench.database.match([component("npm", "a", "1.0.0")])).toEqual([]);
});

it("finds all names of an advisory", async () => {
  await bench.records([record("GHSA-a", "npm", "a", "2.0.0", { aliases: ["CVE-2024-1111"] })]);
  expect(bench.database.namesOf("CVE-2024-1111")).toEqual(["CVE-2024-1111", "GHSA-a"]);
});
