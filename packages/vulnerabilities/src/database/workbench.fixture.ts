// What tests of the database need: one in a directory of its own, records to import, components to ask for.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { manualClock, type ManualClock } from "@pratique/core";
import type { PackageComponent, SourceImport } from "@pratique/contracts";
import { importPath, type ImportOptions } from "../import/import-path.ts";
import { openAdvisoryDatabase, type AdvisoryDatabase } from "./advisory-database.ts";

export interface Workbench {
  readonly directory: string;
  readonly clock: ManualClock;
  database: AdvisoryDatabase;
  /** Writes a file and returns its path. */
  file(name: string, content: string | Uint8Array | object): Promise<string>;
  import(path: string, options?: Partial<ImportOptions>): Promise<SourceImport>;
  /** Imports records of the OSV schema, as a directory. */
  records(records: readonly object[], options?: Partial<ImportOptions>): Promise<SourceImport>;
  /** Closes and opens again. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export async function openWorkbench(): Promise<Workbench> {
  const directory = await mkdtemp(join(tmpdir(), "pratique-advisories-"));
  const clock = manualClock("2026-06-01T00:00:00Z");
  const open = () => openAdvisoryDatabase(join(directory, "advisories.db"), { clock });
  let count = 0;
  const bench: Workbench = {
    directory,
    clock,
    database: await open(),
    async file(name, content) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      const isRaw = typeof content === "string" || content instanceof Uint8Array;
      await writeFile(path, isRaw ? content : JSON.stringify(content));
      return path;
    },
    import: (path, options = {}) => importPath(bench.database, path, { clock, ...options }),
    async records(records, options) {
      const name = `records-${(count += 1)}`;
      for (const [at, record] of records.entries()) await bench.file(`${name}/${at}.json`, record);
      return bench.import(join(directory, name), options);
    },
    async reopen() {
      await bench.database.close();
      bench.database = await open();
    },
    async close() {
      await bench.database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return bench;
}

/** A record of the OSV schema about versions of one package from 0 to `fixed`. */
export function record(id: string, ecosystem: string, name: string, fixed: string, more: object = {}): object {
  return {
    id,
    modified: "2026-05-01T00:00:00Z",
    affected: [
      { package: { ecosystem, name }, ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed }] }] },
    ],
    ...more,
  };
}

export function component(
  type: string,
  name: string,
  version: string,
  more: Partial<PackageComponent> = {},
): PackageComponent {
  const namespace = more.namespace === undefined ? "" : `${more.namespace}/`;
  return {
    type,
    name,
    version,
    purl: `pkg:${type}/${namespace}${name}@${version}`,
    licences: [],
    locations: [],
    ...more,
  };
}

/** A Debian 12 binary package of a source package. */
export function debian(
  name: string,
  version: string,
  source: string,
  more: Partial<PackageComponent> = {},
): PackageComponent {
  return component("deb", name, version, {
    namespace: "debian",
    source: { name: source, version },
    distribution: { id: "debian", version: "12" },
    ...more,
  });
}
