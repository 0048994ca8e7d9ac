// A new advisory at ten thousand stored SBOMs: until every affected artifact is found, written down, and named with its tags.
import { mkdtemp, rm, stat, mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PackageComponent } from "@pratique/contracts";
import { systemClock, uuidv7 } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { importPath, Inventory, openAdvisoryDatabase, type InventoryEntry } from "@pratique/vulnerabilities";
import { impactOf } from "../apps/daemon/src/vulnerabilities/change-impact.ts";
import { printTable } from "./measure.ts";

const ARTIFACTS = Number(process.env["ARTIFACTS"] ?? 10_000);
const BASE = 90;
const OWN = 160;
const POOL = 40_000;
const ADVISORIES = 20_000;
const AT_ONCE = 100;

const directory = await mkdtemp(join(tmpdir(), "pratique-reevaluation-"));
const store = await openDatabase({ file: join(directory, "p.db") });
const advisories = await openAdvisoryDatabase(join(directory, "a.db"), { clock: systemClock });
const inventory = new Inventory({
  table: store.inventory,
  advisories: () => advisories,
  clock: systemClock,
  ids: () => uuidv7(systemClock),
});

/** What every image has, and what few have. */
function debian(index: number): PackageComponent {
  const name = `base-${index}`;
  return {
    type: "deb",
    namespace: "debian",
    name,
    version: "1.2.3-1",
    purl: `pkg:deb/debian/${name}@1.2.3-1?arch=amd64&distro=debian-12`,
    source: { name, version: "1.2.3-1" },
    distribution: { id: "debian", version: "12" },
    licences: [],
    locations: [`var/lib/dpkg/status.d/${name}`],
  };
}

function npm(index: number): PackageComponent {
  const name = `package-${index}`;
  return {
    type: "npm",
    name,
    version: "1.0.0",
    purl: `pkg:npm/${name}@1.0.0`,
    licences: ["MIT"],
    locations: [`app/node_modules/${name}/package.json`],
  };
}

let seed = 42;
function random(): number {
  // mulberry32: the same inventory each time.
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}

const base = Array.from({ length: BASE }, (_, index) => debian(index));

function entry(index: number): InventoryEntry {
  // Some packages are in many images, most in few.
  const own = new Set(Array.from({ length: OWN }, () => Math.floor(random() ** 3 * POOL)));
  const digest = `sha256:${index.toString(16).padStart(64, "0")}`;
  const components = [...base, ...[...own].map(npm)];
  return {
    repository: `team-${index % 100}/app-${index % 2500}`,
    digest,
    kind: "image",
    listing: { key: `catalogue ${digest}`, origin: "catalogue", components, unread: [] },
    members: [],
  };
}

async function know(name: string, records: readonly object[]): Promise<void> {
  const path = join(directory, name);
  await mkdir(path);
  for (let at = 0; at < records.length; at += 1) await writeFile(join(path, `${at}.json`), JSON.stringify(records[at]));
  await importPath(advisories, path, { clock: systemClock, older: true });
}

function record(id: string, ecosystem: string, name: string, modified: string): object {
  const type = ecosystem === "npm" ? "SEMVER" : "ECOSYSTEM";
  const ranges = [{ type, events: [{ introduced: "0" }, { fixed: "9" }] }];
  return { schema_version: "1.6.0", id, modified, summary: id, affected: [{ package: { ecosystem, name }, ranges }] };
}

try {
  const filling = performance.now();
  for (let at = 0; at < ARTIFACTS; at += AT_ONCE) {
    const entries = Array.from({ length: Math.min(AT_ONCE, ARTIFACTS - at) }, (_, index) => entry(at + index));
    const tags = entries.map(({ repository, digest }, index) => ({ repository, digest, tag: `v${at + index}` }));
    await inventory.keep({ entries, tags });
  }
  const fillMs = performance.now() - filling;
  await know(
    "old",
    Array.from({ length: ADVISORIES }, (_, index) =>
      record(`OLD-${index}`, "npm", `package-${POOL / 2 + index}`, "2026-01-01T00:00:00Z"),
    ),
  );
  const first = performance.now();
  const initial = await inventory.reevaluate();
  const initialMs = performance.now() - first;
  const rows: (string | number)[][] = [];
  const cases = [
    ["one package of every image", [record("NEW-1", "Debian:12", "base-0", "2026-02-01T00:00:00Z")]],
    ["one package of few images", [record("NEW-2", "npm", "package-15000", "2026-02-02T00:00:00Z")]],
    [
      "200 advisories",
      Array.from({ length: 200 }, (_, index) =>
        record(`NEW-3-${index}`, "npm", `package-${index * 90}`, "2026-02-03T00:00:00Z"),
      ),
    ],
  ] as const;
  for (const [index, [what, records]] of cases.entries()) {
    await know(`new-${index}`, records);
    const [cpu, begun] = [process.cpuUsage(), performance.now()];
    const change = await inventory.reevaluate();
    const found = performance.now() - begun;
    const impact = await impactOf(inventory, change!, []);
    const wallMs = performance.now() - begun;
    const { user, system } = process.cpuUsage(cpu);
    const named = impact.artifacts.filter(({ tags }) => tags.length > 0).length;
    if (named !== impact.artifacts.length) throw new Error("an artifact was not named");
    rows.push([what, impact.found.length, impact.artifacts.length, found, wallMs, (user + system) / 1000]);
  }
  const counts = await store.inventory.counts();
  const { size } = await stat(join(directory, "p.db"));
  printTable(
    `Re-evaluation at ${counts.artifacts} stored SBOMs (${counts.packages} packages, ${BASE + OWN} in each at most)`,
    ["new", "advisories", "artifacts named", "found and written ms", "named too ms", "CPU ms"],
    rows,
  );
  printTable(
    "Keeping the inventory",
    ["what", "ms"],
    [
      ["one SBOM taken in", fillMs / ARTIFACTS],
      [`first evaluation of all packages (${initial?.packages.length ?? 0} affected)`, initialMs],
      ["database, MB", size / 1e6],
    ],
  );
} finally {
  await store.close();
  await advisories.close();
  await rm(directory, { recursive: true, force: true });
}
