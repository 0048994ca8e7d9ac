// From an advisory to what it means here: scans, where things are used, statements, and what is told of a change.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NumberedEvent, ScanResult, WhereUsedResult } from "@pratique/contracts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeImageLayout } from "../support/image-layout.ts";
import { pratique, startDaemon, temporaryHome, type Daemon, type Result } from "../support/program.ts";

let directory: string;
let home: string;
let remove: () => Promise<void>;
let daemon: Daemon;

const run = (...args: string[]): Promise<Result> => pratique([...args, "--json"], { home, cwd: directory });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-vulnerabilities-"));
  ({ home, remove } = await temporaryHome());
  daemon = await startDaemon(home);
  const place = join(directory, "root", "app", "node_modules", "left-pad");
  await mkdir(place, { recursive: true });
  await writeFile(
    join(place, "package.json"),
    JSON.stringify({ name: "left-pad", version: "1.3.0", license: "WTFPL" }),
  );
  await writeImageLayout(join(directory, "image"), join(directory, "root"));
  await writeFile(
    join(directory, "bom.json"),
    JSON.stringify({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      version: 1,
      components: ["left-pad@1.3.0", "evil-pad@6.6.6", "fine@1.0.0"].map((text) => {
        const [name, version] = text.split("@");
        return { type: "library", name, version, purl: `pkg:npm/${text}` };
      }),
    }),
  );
}, 60_000);

afterAll(async () => {
  await daemon.stop();
  await remove();
  await rm(directory, { recursive: true, force: true });
});

/** What a feed would bring: a file for each advisory, changed just now. */
async function advisories(
  ...records: { id: string; name: string; aliases?: string[]; affected: object }[]
): Promise<void> {
  const path = join(directory, `osv-${records[0]!.id}`);
  await mkdir(path);
  for (const { id, name, aliases = [], affected } of records) {
    const record = {
      schema_version: "1.6.0",
      id,
      aliases,
      modified: new Date().toISOString(),
      summary: `${id} in ${name}`,
      severity: [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
      affected: [{ package: { ecosystem: "npm", name }, ...affected }],
    };
    await writeFile(join(path, `${id}.json`), JSON.stringify(record));
  }
  const imported = await run("db", "import", path);
  expect([imported.code, imported.stderr]).toEqual([0, ""]);
}

it("is not checked, and no success for --fail-on, before there are advisories", async () => {
  const scanned = await run("scan", "bom.json", "--fail-on", "critical");
  expect(scanned.json<ScanResult>()).toMatchObject({ status: "not-checked", findings: [] });
  expect([scanned.code, scanned.stderr]).toEqual([3, expect.stringContaining("not-checked")]);
});

it("finds what a bill of materials lists, malice first, and exits 3 when it is that severe", async () => {
  await advisories(
    {
      id: "GHSA-aaaa-bbbb-cccc",
      name: "left-pad",
      aliases: ["CVE-2026-1111"],
      affected: { ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.3.1" }] }] },
    },
    { id: "MAL-2026-1", name: "evil-pad", affected: { versions: ["6.6.6"] } },
  );
  const scanned = await run("scan", "bom.json", "--fail-on", "critical");
  expect(scanned.code).toBe(3);
  const { status, findings } = scanned.json<ScanResult>();
  expect([status, findings.map(({ id }) => id)]).toEqual(["checked", ["MAL-2026-1", "CVE-2026-1111"]]);
  const fixed = await run("scan", "bom.json", "--only-fixed", "--severity", "critical");
  expect(fixed.code).toBe(0);
  const table = await pratique(["scan", "bom.json"], { home, cwd: directory });
  expect(table.stdout).toContain("MALICIOUS");
  const sarif = await pratique(["scan", "bom.json", "--format", "sarif"], { home, cwd: directory });
  expect(sarif.json<{ version: string }>().version).toBe("2.1.0");
});

it("knows which artifacts have a package once they are here", async () => {
  expect((await run("import", "image", "team/pad:1")).code).toBe(0);
  const used = (await run("where-used", "left-pad")).json<WhereUsedResult>();
  expect(used).toMatchObject({
    as: "package",
    artifacts: [{ repository: "team/pad", tags: ["1"] }],
    isFiltered: false,
  });
  for (const query of ["pkg:npm/left-pad", "CVE-2026-1111", "ghsa-aaaa-bbbb-cccc", "left-pad@1.3.0"]) {
    expect((await run("where-used", query)).json<WhereUsedResult>().artifacts).toHaveLength(1);
  }
  expect((await run("where-used", "left-pad@9")).json<WhereUsedResult>().artifacts).toEqual([]);
});

it("names the artifacts that a new advisory concerns, in an event and a record", async () => {
  const stop = new AbortController();
  const events = daemon.client.followEvents(0, AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]));
  await advisories({ id: "GHSA-new", name: "left-pad", affected: { versions: ["1.3.0"] } });
  const isTold = ({ event: { type, data } }: NumberedEvent): boolean =>
    type.endsWith("vulnerabilities.changed") &&
    JSON.stringify(data).includes("GHSA-new") &&
    data["repository"] === "team/pad";
  let told: NumberedEvent | undefined;
  for await (const event of events) {
    if (!isTold(event)) continue;
    told = event;
    break;
  }
  stop.abort();
  expect(told?.event.data).toMatchObject({
    found: [{ advisory: "GHSA-new", severity: "critical" }],
    artifacts: [{ tags: ["1"], packages: ["pkg:npm/left-pad@1.3.0"] }],
  });
  const records = await daemon.client.records({ action: "admin:write" });
  expect(JSON.stringify(records.at(-1))).toContain("GHSA-new");
});

it("lets the owner state what does not matter, signed, until it expires", async () => {
  const state = (...more: string[]) =>
    run("vex", "add", "team/pad:1", "--vulnerability", "CVE-2026-1111", "--status", "not_affected", ...more);
  expect((await state()).stderr).toContain("vex.no-reason");
  const expiry = ["--expires", "2020-01-01"];
  const reason = ["--justification", "vulnerable_code_not_in_execute_path"];
  expect((await state(...reason, ...expiry)).stderr).toContain("vex.bad-expiry");
  expect((await state(...reason, "--package", "pkg:npm/right-pad")).stderr).toContain("vex.no-such-package");
  expect((await state(...reason, "--package", "pkg:npm/left-pad", "--expires", "2999-01-01")).code).toBe(0);
  const { findings, lists } = (await run("scan", "team/pad:1")).json<ScanResult>();
  expect(lists).toMatchObject([{ origin: "catalogue", components: 1 }]);
  expect(findings[0]?.locations).toEqual(["app/node_modules/left-pad/package.json"]);
  expect(findings.map(({ id, state: of, vex }) => [id, of, vex?.author.split(" ")[0]])).toEqual([
    ["GHSA-new", "affected", undefined],
    ["CVE-2026-1111", "not_affected", "owner"],
  ]);
});

it("applies the statements of a file for one scan only", async () => {
  const statement = {
    vulnerability: { name: "GHSA-new" },
    products: [{ "@id": "pkg:npm/left-pad@1.3.0" }],
    status: "not_affected",
    impact_statement: "it is only padding",
  };
  const document = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://example.com/vex/1",
    author: "somebody",
    timestamp: "2026-01-01T00:00:00Z",
    version: 1,
    statements: [statement],
  };
  await writeFile(join(directory, "vex.json"), JSON.stringify(document));
  const scanned = await run("scan", "team/pad:1", "--vex", "vex.json", "--fail-on", "low");
  expect([scanned.code, scanned.json<ScanResult>().facts.critical]).toEqual([0, 0]);
  expect((await run("scan", "team/pad:1", "--fail-on", "low")).code).toBe(3);
  expect((await run("scan", "team/pad:1", "--vex", "bom.json")).stderr).toContain("vex.unreadable");
});

it("attaches its result, signed, in cosign's form", async () => {
  const { attestation } = (await run("scan", "team/pad:1", "--attest")).json<ScanResult>();
  const { referrers } = await daemon.client.inspect("team/pad:1");
  expect(referrers).toContainEqual(
    expect.objectContaining({
      digest: attestation,
      predicateType: "https://cosign.sigstore.dev/attestation/vuln/v1",
    }),
  );
});

it("knows it all again after it was killed, and what came just before", async () => {
  expect((await run("import", "image", "team/again:1")).code).toBe(0);
  await daemon.kill();
  daemon = await startDaemon(home);
  const { artifacts } = (await run("where-used", "GHSA-new")).json<WhereUsedResult>();
  expect(artifacts.map(({ repository }) => repository)).toEqual(["team/again", "team/pad"]);
});
