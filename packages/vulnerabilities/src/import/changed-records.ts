// What a mirror says changed since a time: OSV's `modified_id.csv`, CSAF's `changes.csv`, both newest first.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { vulnerabilityErrors } from "../errors.ts";
import type { Mirror } from "./mirror.ts";
import { normalTime } from "./osv-record.ts";
import { isDataError } from "./read-json.ts";

export interface ChangedRecord {
  /** Of its file on the mirror. */
  readonly file: string;
  readonly modified: string;
}

/** The files in which mirrors say what changed. */
export const LISTS = { osv: "modified_id.csv", csaf: "changes.csv" } as const;

/** More changes than this cost more than the whole dump. */
const WORTH_FETCHING = 2000;
const LONGEST_LINE = 1000;

/** Undefined when the mirror does not say, or when too much changed: then everything is to be taken. */
export async function changesSince(
  mirror: Mirror,
  format: "osv" | "csaf",
  since: string,
): Promise<ChangedRecord[] | undefined> {
  const list = await mirror.file(LISTS[format]);
  if (list === undefined || list === "unchanged") return undefined;
  const changes: ChangedRecord[] = [];
  const stream = createReadStream(list.path);
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  try {
    for await (const line of lines) {
      if (line.trim() === "") continue;
      const change = readLine(line, format, list.path);
      // One at the very time is taken again, since another may have the same.
      if (change.modified < since) break;
      changes.push(change);
      if (changes.length > WORTH_FETCHING) return undefined;
    }
  } finally {
    lines.close();
    stream.destroy();
  }
  return changes;
}

/** `2024-01-01T00:00:00Z,PyPI/PYSEC-1` and `"2024/rhsa-2024_0001.json","2024-01-01T00:00:00Z"`. */
function readLine(line: string, format: "osv" | "csaf", path: string): ChangedRecord {
  const [first = "", second = ""] = line
    .slice(0, LONGEST_LINE)
    .split(",")
    .map((part) => part.trim().replaceAll('"', ""));
  const [time, name] = format === "osv" ? [first, `${second}.json`] : [second, first];
  if (!isName(name)) throw unsound(path, format, "a line names no file");
  try {
    return { file: name, modified: normalTime(time) };
  } catch (error) {
    if (!isDataError(error)) throw error;
    throw unsound(path, format, "a line has no time");
  }
}

function isName(name: string): boolean {
  return (
    /^[A-Za-z0-9][A-Za-z0-9 ._:/+-]{0,300}\.json$/.test(name) && !name.split("/").some((part) => /^\.*$/.test(part))
  );
}

function unsound(path: string, format: string, reason: string): Error {
  return vulnerabilityErrors("vulnerabilities.bad-data", { path, format, reason });
}
