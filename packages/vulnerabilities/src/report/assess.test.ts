// How far an answer goes: nothing but a whole look by current data is called checked.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PackageComponent } from "@pratique/contracts";
import { manualClock } from "@pratique/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAdvisoryDatabase, type AdvisoryDatabase } from "../database/advisory-database.ts";
import { importPath } from "../import/import-path.ts";
import { writeOsv } from "../inventory/osv.fixture.ts";
import { assess, type AssessmentInput } from "./assess.ts";

const clock = manualClock(new Date("2026-11-24T12:00:00Z"));
let directory: string;
let database: AdvisoryDatabase;
let empty: AdvisoryDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-assess-"));
  database = await openAdvisoryDatabase(join(directory, "a.db"), { clock });
  empty = await openAdvisoryDatabase(join(directory, "b.db"), { clock });
  await writeOsv(join(directory, "osv"), [
    { id: "GHSA-1", name: "left-pad", fixed: "1.3.1", cvss: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" },
    { id: "MAL-2026-1", name: "evil-pad", versions: ["6.6.6"] },
  ]);
  await importPath(database, join(directory, "osv"), { clock });
});

afterAll(async () => {
  await database.close();
  await empty.close();
  await rm(directory, { recursive: true, force: true });
});

function component(type: string, name: string, version = "1.0.0"): PackageComponent {
  return { type, name, version, purl: `pkg:${type}/${name}@${version}`, licences: [], locations: [] };
}

const look = (input: Partial<AssessmentInput>) =>
  assess({
    components: [component("npm", "fine")],
    unread: 0,
    isSigned: false,
    database,
    isBroken: false,
    vex: [],
    subject: { digests: [] },
    now: clock.now(),
    ...input,
  });

describe("the status", () => {
  it("is checked when everything was looked up", () => {
    expect(look({})).toMatchObject({ status: "checked", reasons: [], facts: { status: "checked" } });
  });

  it("is not-checked without a database, a list, or packages in the list", () => {
    expect(look({ database: empty }).facts.status).toBe("not-checked");
    expect(look({ components: undefined }).facts.status).toBe("not-checked");
    expect(look({ components: [] })).toMatchObject({ status: "not-checked", facts: { status: "not-checked" } });
  });

  it("is checked for an empty list only when somebody signed that", () => {
    expect(look({ components: [], isSigned: true }).status).toBe("checked");
  });

  it("is unavailable when the database cannot be opened", () => {
    expect(look({ database: undefined, isBroken: true }).facts.status).toBe("unavailable");
  });

  it("is partly, and for policy not-checked, when packages have no advisories or files were not read", () => {
    const gap = look({ components: [component("npm", "fine"), component("cargo", "serde")] });
    expect(gap).toMatchObject({ status: "partly", facts: { status: "not-checked" } });
    expect(gap.reasons).toEqual(["1 of 1 cargo: the database has no advisories for it"]);
    const unread = look({ unread: 2 });
    expect(unread).toMatchObject({ status: "partly", reasons: ["2 files could not be read"] });
    expect(unread.facts.status).toBe("not-checked");
  });

  it("is partly, and for policy checked, when nobody at all has advisories for a part", () => {
    const some = look({ components: [component("npm", "fine"), component("generic", "node")] });
    expect(some).toMatchObject({ status: "partly", facts: { status: "checked" } });
    expect(some.coverage.ecosystems).toContainEqual({
      ecosystem: "generic",
      components: 1,
      unchecked: 1,
      reasons: ["no advisories are understood for it"],
    });
  });

  it("does not count models and nested artifacts, which are checked by themselves", () => {
    const model = { ...component("huggingface", "tiny") };
    expect(look({ components: [component("npm", "fine"), model] }).status).toBe("checked");
    expect(look({ components: [model], isSigned: true }).status).toBe("checked");
    expect(look({ components: [model] })).toMatchObject({ status: "not-checked", facts: { status: "not-checked" } });
  });
});

describe("findings", () => {
  it("have malice first, and are counted", () => {
    const { findings, facts } = look({
      components: [component("npm", "left-pad"), component("npm", "evil-pad", "6.6.6")],
    });
    expect(findings.map(({ id }) => id)).toEqual(["MAL-2026-1", "GHSA-1"]);
    expect(facts).toMatchObject({ malicious: 1, critical: 1, criticalWithFix: 1 });
  });
});

describe("the age of the data", () => {
  it("is that of the sources that speak for what is in it", () => {
    expect(look({}).facts.databaseTime).toBe("2026-11-24T00:00:00.000Z");
  });
});

describe("data that grows old", () => {
  it("is stale", () => {
    clock.advance(8 * 24 * 3600 * 1000);
    expect(look({})).toMatchObject({ status: "stale", facts: { status: "stale" } });
  });
});
