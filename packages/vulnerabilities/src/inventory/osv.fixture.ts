// Advisories in OSV's format, as many as a test wants.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface OsvRecord {
  readonly id: string;
  readonly name: string;
  /** `npm` when absent. */
  readonly ecosystem?: string;
  readonly fixed?: string;
  /** Instead of a range. */
  readonly versions?: readonly string[];
  readonly cvss?: string;
  readonly aliases?: readonly string[];
  readonly modified?: string;
  readonly withdrawn?: string;
}

export function osvRecord(record: OsvRecord): object {
  const { id, name, ecosystem = "npm", fixed, versions, cvss, aliases = [], modified, withdrawn } = record;
  const events = [{ introduced: "0" }, ...(fixed === undefined ? [] : [{ fixed }])];
  const type = ecosystem.includes(":") ? "ECOSYSTEM" : "SEMVER";
  return {
    schema_version: "1.6.0",
    id,
    modified: modified ?? "2026-11-24T00:00:00Z",
    ...(withdrawn === undefined ? {} : { withdrawn }),
    aliases,
    summary: `${id} in ${name}`,
    ...(cvss === undefined ? {} : { severity: [{ type: "CVSS_V3", score: cvss }] }),
    affected: [
      {
        package: { ecosystem, name },
        ...(versions === undefined ? { ranges: [{ type, events }] } : { versions }),
      },
    ],
  };
}

/** A directory with a file for each. */
export async function writeOsv(directory: string, records: readonly OsvRecord[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const record of records) {
    await writeFile(join(directory, `${record.id}.json`), JSON.stringify(osvRecord(record)));
  }
}
