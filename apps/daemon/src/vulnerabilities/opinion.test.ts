// What policy is told of an artifact, from what evidence knows of it.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, manualClock, silentLog, type JsonObject } from "@pratique/core";
import type { VulnerabilityQuestion } from "@pratique/evidence";
import { openDatabase, type Database } from "@pratique/store";
import { importPath, Inventory, openAdvisoryDatabase, type AdvisoryDatabase } from "@pratique/vulnerabilities";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DaemonOpinion } from "./opinion.ts";

const clock = manualClock("2026-11-24T12:00:00Z");
const DIGEST = digestOf("an image");
let directory: string;
let store: Database;
let advisories: AdvisoryDatabase;
let inventory: Inventory;
let opinion: DaemonOpinion;
let ensure: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-opinion-"));
  store = await openDatabase({ file: join(directory, "p.db") });
  advisories = await openAdvisoryDatabase(join(directory, "a.db"), { clock });
  inventory = new Inventory({ table: store.inventory, advisories: () => advisories, clock, ids: () => "x" });
  const keeper = { ensure: () => ensure() };
  const registry = "localhost:7340";
  opinion = new DaemonOpinion({ advisories: () => advisories, inventory, keeper, registry, clock, log: silentLog });
});

afterAll(async () => {
  await store.close();
  await advisories.close();
  await rm(directory, { recursive: true, force: true });
});

function question(facts: Partial<VulnerabilityQuestion> = {}): VulnerabilityQuestion {
  return { digest: DIGEST, repository: "team/app", kind: "image", vex: [], ...facts };
}

function sbomWith(...names: string[]): JsonObject {
  const components = names.map((name) => ({ type: "library", name, version: "1.0.0", purl: `pkg:npm/${name}@1.0.0` }));
  return { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components };
}

async function know(id: string, name: string): Promise<void> {
  const path = join(directory, id);
  await mkdir(path);
  const affected = [{ package: { ecosystem: "npm", name }, versions: ["1.0.0"] }];
  const severity = [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }];
  const record = { schema_version: "1.6.0", id, modified: "2026-11-24T00:00:00Z", severity, affected };
  await writeFile(join(path, "a.json"), JSON.stringify(record));
  await importPath(advisories, path, { clock });
}

describe("an opinion", () => {
  it("is not-checked while there are no advisories", async () => {
    expect(await opinion.of(question({ sbom: sbomWith("left-pad") }))).toMatchObject({
      facts: { status: "not-checked" },
    });
    expect(opinion.version()).toBe("none");
  });

  it("counts what the signed bill of materials lists", async () => {
    await know("GHSA-1", "left-pad");
    const answer = await opinion.of(question({ sbom: sbomWith("left-pad", "fine") }));
    expect(answer).toMatchObject({
      facts: { status: "checked", critical: 1, databaseVersion: opinion.version() },
      findings: [{ id: "GHSA-1", state: "affected" }],
    });
  });

  it("does not count what a signed statement explains, and shows it", async () => {
    const predicate = {
      "@context": "https://openvex.dev/ns/v0.2.0",
      "@id": "x",
      author: "Jane",
      timestamp: "2026-11-24T01:00:00Z",
      version: 1,
      statements: [
        { vulnerability: { name: "GHSA-1" }, status: "not_affected", justification: "component_not_present" },
      ],
    };
    const vex = [{ predicate, signer: { id: "1", name: "owner" } }];
    const answer = await opinion.of(question({ sbom: sbomWith("left-pad"), vex }));
    expect(answer).toMatchObject({ facts: { critical: 0 }, findings: [{ state: "not_affected" }] });
  });

  it("does not take a bill of materials that cannot be read for an empty one", async () => {
    const answer = await opinion.of(question({ sbom: { bomFormat: "CycloneDX", specVersion: "1.6", components: 7 } }));
    expect(answer.facts.status).toBe("not-checked");
  });

  it("is provisional while the artifact is not known yet, and whole once it is", async () => {
    expect(await opinion.of(question())).toMatchObject({ facts: { status: "not-checked" }, isProvisional: true });
    const components = [
      { type: "npm", name: "left-pad", version: "1.0.0", purl: "pkg:npm/left-pad@1.0.0", licences: [], locations: [] },
    ];
    const listing = { key: "k", origin: "catalogue", components, unread: [] } as const;
    ensure = () =>
      inventory.keep({ entries: [{ repository: "team/app", digest: DIGEST, kind: "image", listing, members: [] }] });
    const answer = await opinion.of(question());
    expect(answer.facts).toMatchObject({ status: "checked", critical: 1 });
    expect(answer.isProvisional).toBeUndefined();
  });

  it("does not fail when an artifact cannot be looked through", async () => {
    ensure = () => Promise.reject(new Error("a damaged layer"));
    const digest = digestOf("another");
    expect(await opinion.of(question({ digest }))).toMatchObject({
      facts: { status: "not-checked" },
      isProvisional: true,
    });
  });

  it("has another version once the data is stale", () => {
    const fresh = opinion.version();
    clock.advance(30 * 24 * 3600 * 1000);
    expect(opinion.version()).toBe(`${fresh}+stale`);
  });
});
