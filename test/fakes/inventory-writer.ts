// Takes artifacts into an inventory and out of it, brings in advisories, and says what is done, until it is killed:
// `node test/fakes/inventory-writer.ts DIRECTORY ROUND`.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PackageComponent } from "@pratique/contracts";
import { systemClock, uuidv7 } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { importPath, Inventory, openAdvisoryDatabase } from "@pratique/vulnerabilities";

const [directory = "", round = "0"] = process.argv.slice(2);
const store = await openDatabase({ file: join(directory, "p.db") });
const advisories = await openAdvisoryDatabase(join(directory, "a.db"), { clock: systemClock });
const inventory = new Inventory({
  table: store.inventory,
  advisories: () => advisories,
  clock: systemClock,
  ids: () => uuidv7(systemClock),
});

const say = (...words: (string | number)[]): void => void process.stdout.write(`${words.join(" ")}\n`);

function components(index: number): PackageComponent[] {
  return Array.from({ length: 30 }, (_, at) => {
    const name = `package-${(index * 7 + at) % 60}`;
    return {
      type: "npm",
      name,
      version: "1.0.0",
      purl: `pkg:npm/${name}@1.0.0`,
      licences: [],
      locations: [`${index}`],
    };
  });
}

function digestOf(index: number): string {
  return `sha256:${(Number(round) * 100_000 + index).toString(16).padStart(64, "0")}`;
}

say("ready");
for (let index = 0; ; index += 1) {
  const digest = digestOf(index);
  const key = `catalogue ${digest}`;
  const listing = { key, origin: "catalogue", components: components(index), unread: [] } as const;
  await inventory.keep({
    entries: [{ repository: "team/app", digest, kind: "image", listing, members: [] }],
    tags: [{ repository: "team/app", tag: `v${round}-${index}`, digest }],
  });
  say("kept", digest);
  if (index % 3 === 2) {
    const gone = digestOf(index - 1);
    await inventory.keep({ gone: [{ repository: "team/app", digest: gone }] });
    say("gone", gone);
  }
  if (index % 4 === 3) {
    const id = `GHSA-${round}-${index}`;
    const path = join(directory, id);
    await mkdir(path);
    const affected = [{ package: { ecosystem: "npm", name: `package-${index % 60}` }, versions: ["1.0.0"] }];
    const record = { schema_version: "1.6.0", id, modified: new Date().toISOString(), affected };
    await writeFile(join(path, "a.json"), JSON.stringify(record));
    await importPath(advisories, path, { clock: systemClock, older: true });
    const change = await inventory.reevaluate();
    if (change !== undefined) say("told", change.id);
  }
}
