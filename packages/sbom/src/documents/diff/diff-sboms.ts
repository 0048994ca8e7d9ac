// What differs between two bills of materials: packages, files, licences, tools, permissions, models, members.
import { permissionsOf, toolsOf } from "../capability.ts";
import { propertiesOfModel } from "../model-properties.ts";
import { parsePurl } from "../purl.ts";
import type { SbomComponent, SbomDocument } from "../sbom-document.ts";
import { sbomFacts } from "../sbom-facts.ts";

export interface PackageName {
  readonly type: string;
  readonly name: string;
  readonly version: string;
}

export interface PackageChange {
  readonly type: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly direction: "up" | "down" | "other";
}

export interface TextDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface ValueChange {
  readonly name: string;
  readonly from?: string;
  readonly to?: string;
}

export interface SbomDiff {
  readonly packages: {
    readonly added: readonly PackageName[];
    readonly removed: readonly PackageName[];
    readonly changed: readonly PackageChange[];
  };
  /** Components that are files, by their digest. */
  readonly files: { readonly added: string[]; readonly removed: string[]; readonly changed: string[] };
  readonly licences: TextDiff;
  readonly tools: TextDiff;
  readonly permissions: TextDiff;
  readonly facts: readonly ValueChange[];
  readonly members: readonly ValueChange[];
}

/** Compares two versions in an ecosystem's own order; undefined when it cannot. */
export type CompareVersions = (type: string, a: string, b: string) => number | undefined;

export function diffSboms(from: SbomDocument, to: SbomDocument, compare: CompareVersions): SbomDiff {
  return {
    packages: diffPackages(from.components, to.components, compare),
    files: diffFiles(from.components, to.components),
    licences: diffTexts(licencesOf(from), licencesOf(to)),
    tools: diffTexts(toolsOf(from.subject), toolsOf(to.subject)),
    permissions: diffTexts(permissionsOf(from.subject), permissionsOf(to.subject)),
    facts: diffValues(factsOf(from), factsOf(to)),
    members: diffValues(membersOf(from), membersOf(to)),
  };
}

function licencesOf(document: SbomDocument): readonly string[] {
  return sbomFacts({ ...document, format: "", tools: [] }).licences;
}

interface Versions {
  readonly type: string;
  readonly name: string;
  readonly versions: Set<string>;
}

function diffPackages(
  from: readonly SbomComponent[],
  to: readonly SbomComponent[],
  compare: CompareVersions,
): SbomDiff["packages"] {
  const before = packagesOf(from);
  const after = packagesOf(to);
  const added: PackageName[] = [];
  const removed: PackageName[] = [];
  const changed: PackageChange[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(key);
    const now = after.get(key);
    const { type, name } = (old ?? now)!;
    const order = (a: string, b: string): number => compare(type, a, b) ?? (a < b ? -1 : a > b ? 1 : 0);
    const gone = [...(old?.versions ?? [])].filter((one) => now?.versions.has(one) !== true).sort(order);
    const come = [...(now?.versions ?? [])].filter((one) => old?.versions.has(one) !== true).sort(order);
    // One version of a package takes the place of another; of several, those that are left over came or went.
    while (gone.length > 0 && come.length > 0) {
      const [was, is] = [gone.pop()!, come.pop()!];
      const order = compare(type, was, is);
      const direction = order === undefined || order === 0 ? "other" : order < 0 ? "up" : "down";
      changed.push({ type, name, from: was, to: is, direction });
    }
    for (const version of gone) removed.push({ type, name, version });
    for (const version of come) added.push({ type, name, version });
  }
  return { added: byName(added), removed: byName(removed), changed: byName(changed) };
}

function packagesOf(components: readonly SbomComponent[]): Map<string, Versions> {
  const found = new Map<string, Versions>();
  for (const component of components) {
    if (component.type === "file" || component.properties?.["pratique:lock:type"] !== undefined) continue;
    const { namespace, name, version = "" } = component;
    const purl = component.purl === undefined ? undefined : parsePurl(component.purl);
    const type = purl?.type ?? component.type;
    const full =
      namespace === undefined || purl?.source !== undefined || type === "deb" || type === "apk" || type === "rpm"
        ? name
        : `${namespace}/${name}`;
    const key = `${type}\n${full}\n${purl?.qualifiers["arch"] ?? ""}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { type, name: full, versions: new Set([version]) });
    else known.versions.add(version);
  }
  return found;
}

function diffFiles(from: readonly SbomComponent[], to: readonly SbomComponent[]): SbomDiff["files"] {
  const digests = (list: readonly SbomComponent[]): Map<string, string> =>
    new Map(list.filter(({ type }) => type === "file").map(({ name, hashes }) => [name, hashes?.["sha256"] ?? ""]));
  const [before, after] = [digests(from), digests(to)];
  return {
    added: [...after.keys()].filter((path) => !before.has(path)).sort(),
    removed: [...before.keys()].filter((path) => !after.has(path)).sort(),
    changed: [...after]
      .filter(([path, digest]) => before.has(path) && before.get(path) !== digest)
      .map(([path]) => path)
      .sort(),
  };
}

function diffTexts(from: readonly string[], to: readonly string[]): TextDiff {
  const [before, after] = [new Set(from), new Set(to)];
  return {
    added: [...after].filter((one) => !before.has(one)).sort(),
    removed: [...before].filter((one) => !after.has(one)).sort(),
  };
}

/** What the artifact says of itself that is neither a tool nor a permission, and what the cards of its models say. */
function factsOf({ subject, components }: SbomDocument): Map<string, string> {
  const facts = new Map<string, string>();
  for (const [name, value] of Object.entries(subject.properties ?? {})) {
    if (name.startsWith("pratique:permission:") || name === "pratique:tool") continue;
    facts.set(name.replace(/^pratique:/, ""), [value].flat().join(", "));
  }
  const models = components.filter(({ type, model }) => type === "machine-learning-model" && model !== undefined);
  for (const component of models) {
    const whose = models.length === 1 ? "model" : `model ${component.name}`;
    for (const { name, value } of propertiesOfModel(component.model ?? {})) {
      const key = `${whose} ${name.replace(/^pratique:model:/, "")}`;
      const known = facts.get(key);
      facts.set(key, known === undefined ? value : `${known}, ${value}`);
    }
    const weights = component.hashes?.["sha256"];
    if (weights !== undefined) facts.set(`${whose} weights`, `sha256:${weights}`);
    const unsafe = component.properties?.["pratique:unsafe-format"];
    if (unsafe !== undefined) facts.set(`${whose} unsafe format`, [unsafe].flat().join(", "));
  }
  return facts;
}

function membersOf({ components }: SbomDocument): Map<string, string> {
  return new Map(
    components.flatMap(({ properties, version = "" }) => {
      const type = properties?.["pratique:lock:type"];
      const named = properties?.["pratique:lock:named"];
      // The root is named by its tag, which moves: it is the agent itself.
      return type === undefined
        ? []
        : [[type === "root" ? "root" : `${[type].flat()[0]} ${[named].flat()[0] ?? ""}`, version]];
    }),
  );
}

function diffValues(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): ValueChange[] {
  const names = [...new Set([...from.keys(), ...to.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [from.get(name), to.get(name)];
    if (was === is) return [];
    return [{ name, ...(was === undefined ? {} : { from: was }), ...(is === undefined ? {} : { to: is }) }];
  });
}

function byName<T extends { readonly type: string; readonly name: string }>(list: readonly T[]): T[] {
  return list.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.type < b.type ? -1 : 1));
}
