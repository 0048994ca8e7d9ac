// Debian's package database: `status`, and one file a package in `status.d` (images without dpkg).
import type { Detector, Fact, FoundPackage } from "../facts.ts";
import { ownedFact } from "./owned.ts";

const MAX_FIELDS = 400;

/** `var/lib/dpkg/status`, and files in `status.d`. */
export const dpkgStatus: Detector = {
  name: "dpkg",
  maxBytes: 256 * 1024 ** 2,
  read: ({ path, bytes }) => {
    const facts: Fact[] = [];
    const unread: string[] = [];
    for (const paragraph of paragraphs(bytes.toString("utf8"))) {
      const found = packageOf(paragraph, path.includes("/status.d/"));
      if (found === "broken") unread.push(`a paragraph has no package or version: ${firstLine(paragraph)}`);
      else if (found !== undefined) facts.push({ fact: "package", package: found });
    }
    return { facts, unread };
  },
};

/** `var/lib/dpkg/info/*.list`: absolute paths, one a line. */
export const dpkgList: Detector = {
  name: "dpkg-list",
  maxBytes: 64 * 1024 ** 2,
  read: ({ bytes }) => ownedFact(lines(bytes)),
};

/** `status.d/*.md5sums`: `hash  path`. */
export const dpkgSums: Detector = {
  name: "dpkg-md5sums",
  maxBytes: 64 * 1024 ** 2,
  read: ({ bytes }) => ownedFact(lines(bytes).map((line) => line.slice(34))),
};

function lines(bytes: Buffer): string[] {
  return bytes.toString("utf8").split("\n");
}

function* paragraphs(text: string): Generator<string> {
  for (const paragraph of text.split(/\n(?:[ \t]*\n)+/)) if (paragraph.trim() !== "") yield paragraph;
}

const firstLine = (text: string): string => text.trimStart().split("\n", 1)[0]?.slice(0, 80) ?? "";

/** Field names are case-insensitive (Debian Policy §5.1); continuation lines begin with a space. */
export function controlFields(paragraph: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of paragraph.split("\n")) {
    if (/^[ \t]/.test(line)) {
      // Only the first line of a field counts here, but for lists that go on.
      if (name !== undefined && name.endsWith("depends")) fields.set(name, `${fields.get(name) ?? ""} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    name = line.slice(0, colon).trim().toLowerCase();
    if (fields.size < MAX_FIELDS && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

function packageOf(paragraph: string, isInstalledAlways: boolean): FoundPackage | "broken" | undefined {
  const fields = controlFields(paragraph);
  const name = fields.get("package");
  const version = fields.get("version");
  const status = fields.get("status");
  // want, flag, status (dpkg(1)): what was removed keeps its paragraph as `deinstall ok config-files`.
  const isThere = status === undefined ? isInstalledAlways : !/\s(?:not-installed|config-files)$/.test(status);
  if (!isThere) return undefined;
  if (name === undefined || version === undefined || name === "" || version === "") return "broken";
  const architecture = fields.get("architecture");
  const maintainer = fields.get("maintainer");
  return {
    type: "deb",
    name,
    version,
    ...(architecture === undefined || architecture === "" ? {} : { qualifiers: { arch: architecture } }),
    source: sourceOf(fields.get("source"), name, version),
    licences: [],
    ...(maintainer === undefined ? {} : { supplier: maintainer }),
    needs: [...names(fields.get("pre-depends")), ...names(fields.get("depends"))],
    provides: names(fields.get("provides")),
  };
}

/** `Source: gcc-12 (12.2.0-14)`; the version is only there when it differs. */
function sourceOf(field: string | undefined, name: string, version: string): { name: string; version: string } {
  const match = /^(\S+)(?:\s+\(([^)]+)\))?/.exec(field ?? "");
  return { name: match?.[1] ?? name, version: match?.[2] ?? version };
}

/** Names in a dependency list; of alternatives all, since any may be the one that is there. */
function names(list: string | undefined): string[] {
  if (list === undefined) return [];
  const found = list.split(/[,|]/).map((item) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(item)?.[1]);
  return [...new Set(found.filter((name) => name !== undefined))];
}
