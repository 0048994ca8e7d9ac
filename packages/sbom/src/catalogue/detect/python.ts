// Python distributions as they are installed: core metadata of wheels, eggs and distutils (PEP 566, PEP 639).
import { NOTHING, type Detector, type Fact, type FoundPackage } from "../facts.ts";

export const pythonMetadata: Detector = {
  name: "python",
  maxBytes: 8 * 1024 ** 2,
  read: ({ bytes }) => {
    const found = pythonPackageOf(bytes.toString("utf8"));
    const facts: Fact[] = found === undefined ? [] : [{ fact: "package", package: found }];
    return found === undefined ? NOTHING : { facts };
  },
};

/** Of a METADATA or PKG-INFO; headers end at the first empty line. */
export function pythonPackageOf(text: string): FoundPackage | undefined {
  const fields = new Map<string, string[]>();
  for (const line of (text.split(/\r?\n\r?\n/, 1)[0] ?? "").split(/\r?\n/)) {
    const match = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/.exec(line);
    if (match?.[1] === undefined) continue;
    const name = match[1].toLowerCase();
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [match[2]?.trim() ?? ""]);
    else if (values.length < 2000) values.push(match[2]?.trim() ?? "");
  }
  const first = (name: string): string | undefined => fields.get(name)?.find((value) => value !== "");
  const name = first("name");
  const version = first("version");
  if (name === undefined || version === undefined || !/^[A-Za-z0-9._-]{1,200}$/.test(name)) return undefined;
  const supplier = first("author") ?? first("author-email");
  return {
    type: "pypi",
    name,
    version: version.slice(0, 256),
    licences: licencesOf(first("license-expression"), first("license"), fields.get("classifier") ?? []),
    ...(supplier === undefined || supplier === "UNKNOWN" ? {} : { supplier: supplier.slice(0, 300) }),
    needs: needsOf(fields.get("requires-dist") ?? []),
  };
}

/** PEP 639's expression is exact; then the classifiers; then what somebody wrote, unless it is a whole text. */
function licencesOf(
  expression: string | undefined,
  licence: string | undefined,
  classifiers: readonly string[],
): string[] {
  if (expression !== undefined) return [expression];
  if (licence !== undefined && licence !== "UNKNOWN" && licence.length < 120) return [licence];
  const marked = classifiers
    .filter((one) => one.startsWith("License :: "))
    .map((one) => one.split(" :: ").at(-1) ?? "");
  return marked.filter((one) => one !== "" && one !== "OSI Approved");
}

/** Extras are not installed unless somebody asked for them, so they are no needs. */
function needsOf(requires: readonly string[]): string[] {
  const names = requires
    .filter((one) => !/;.*\bextra\s*==/.test(one))
    .map((one) => /^([A-Za-z0-9._-]+)/.exec(one)?.[1])
    .filter((one) => one !== undefined);
  return [...new Set(names.map(pythonName))];
}

/** PEP 503. */
export function pythonName(name: string): string {
  return name.replace(/[-_.]+/g, "-").toLowerCase();
}
