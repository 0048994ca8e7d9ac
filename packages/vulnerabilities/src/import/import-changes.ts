// Takes the records that changed on a mirror, one file each.
import { lstat, readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SourceImport } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import { encodeAdvisory, type Advisory } from "../database/advisory.ts";
import type { AdvisoryDatabase } from "../database/advisory-database.ts";
import type { SourceState } from "../database/source-state.ts";
import { vulnerabilityErrors } from "../errors.ts";
import type { ChangedRecord } from "./changed-records.ts";
import { readCsaf } from "./csaf.ts";
import { IMPORT_LIMITS } from "./limits.ts";
import type { Mirror } from "./mirror.ts";
import { readOsvRecord } from "./osv-record.ts";
import { isDataError, readJson, reasonOf } from "./read-json.ts";

const AT_ONCE = 8;
/** Of all changes together: they are in memory until they are written. */
const LIMIT_CHARACTERS = 256 * 1024 * 1024;
const PROBLEMS_TOLD = 20;

/** All are fetched before anything is written: a mirror that breaks off changes nothing. */
export async function importChanges(
  database: AdvisoryDatabase,
  name: string,
  mirror: Mirror,
  changes: readonly ChangedRecord[],
  previous: SourceState,
  options: { readonly clock: Clock; readonly asOf?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<SourceImport> {
  const { format } = previous;
  const problems: string[] = [];
  const advisories: Advisory[] = [];
  let spent = 0;
  for (let at = 0; at < changes.length; at += AT_ONCE) {
    options.signal?.throwIfAborted();
    const texts = await Promise.all(changes.slice(at, at + AT_ONCE).map(({ file }) => textOf(mirror, file)));
    spent += texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
    if (spent > LIMIT_CHARACTERS) {
      throw vulnerabilityErrors("vulnerabilities.too-large", { path: name, limit: `${LIMIT_CHARACTERS} bytes` });
    }
    texts.forEach((text, offset) => {
      const file = changes[at + offset]?.file ?? "";
      if (text === undefined) return void problems.push(`${file}: it is not there`);
      try {
        const value = readJson(text);
        advisories.push(format === "osv" ? readOsvRecord(value) : readCsaf(value));
      } catch (error) {
        if (!isDataError(error)) throw error;
        problems.push(`${file}: ${reasonOf(error)}`);
      }
    });
    await nextTurn();
  }
  let changed = 0;
  await database.write(async (writer) => {
    const ecosystems = new Set(previous.ecosystems);
    for (const advisory of advisories) {
      if (writer.put(encodeAdvisory(name, advisory))) changed += 1;
      if (advisory.malicious !== true) for (const { ecosystem } of advisory.affected) ecosystems.add(ecosystem);
    }
    const { failure: _failure, ...state } = previous;
    const now = options.clock.now().toISOString();
    const next: SourceState = {
      ...state,
      ecosystems: [...ecosystems].toSorted(),
      entries: writer.countOf(name),
      askedAt: now,
      checkedAt: options.asOf ?? now,
      dataTime: changes[0]?.modified ?? previous.dataTime,
    };
    writer.saveSource(name, JSON.stringify(next));
  });
  const skipped = problems.length;
  const told = problems.slice(0, PROBLEMS_TOLD);
  return {
    source: name,
    format,
    outcome: "imported",
    read: advisories.length,
    changed,
    removed: 0,
    skipped,
    problems: told,
  };
}

async function textOf(mirror: Mirror, file: string): Promise<string | undefined> {
  const found = await mirror.file(file, { limitBytes: IMPORT_LIMITS.recordBytes });
  if (found === undefined || found === "unchanged") return undefined;
  const { size } = await lstat(found.path);
  if (size > IMPORT_LIMITS.recordBytes) {
    throw vulnerabilityErrors("vulnerabilities.too-large", { path: file, limit: `${IMPORT_LIMITS.recordBytes} bytes` });
  }
  return readFile(found.path, "utf8");
}
