// Facts of all visible files put together: components with their layers, licences, fixes and what they need.
import type { PackageComponent } from "@pratique/contracts";
import type { Catalogue, Distribution, Unread } from "./catalogue.ts";
import type { Fact, FoundPackage } from "./facts.ts";
import { dependenciesOf } from "./dependencies.ts";
import { isSystemPackage, namespaceOf, purlOf } from "./purl.ts";
import type { Squashed, VisibleFile } from "./squash.ts";
import { followLinks } from "./links.ts";

/** A package at one place. */
export interface PlacedPackage {
  readonly found: FoundPackage;
  readonly purl: string;
  readonly path: string;
  readonly layer: string;
}

/** The catalogue of what is visible. */
export function catalogueOf(squashed: Squashed): Catalogue {
  const { files, links, count } = squashed;
  const unread: Unread[] = [...squashed.unread];
  const distribution = distributionOf(files);
  const owned = ownedPaths(files, links);
  const placed: PlacedPackage[] = [];
  for (const file of files.values()) {
    for (const fact of file.facts) {
      if (fact.fact !== "package") continue;
      const { package: found } = fact;
      if (!isSystemPackage(found) && file.at <= (owned.get(followLinks(file.path, links)) ?? -1)) continue;
      const purl = purlOf(found, distribution);
      if (purl === undefined) unread.push({ path: file.path, reason: `\`${found.name.slice(0, 80)}\` makes no purl` });
      else placed.push({ found, purl, path: file.path, layer: layerOf(found, file) });
    }
  }
  const needs = dependenciesOf(placed);
  const doc = documentation(files, links);
  const byPurl = Map.groupBy(placed, ({ purl }) => purl);
  const components = [...byPurl].map(([purl, places]) => componentOf(purl, places, { distribution, needs, doc }));
  return {
    components: components.sort((a, b) => compare(a.purl, b.purl)),
    ...(distribution === undefined ? {} : { distribution }),
    unread: unread.sort((a, b) => compare(a.path, b.path) || compare(a.reason, b.reason)),
    files: count,
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

interface Together {
  readonly distribution: Distribution | undefined;
  readonly needs: ReadonlyMap<string, ReadonlySet<string>>;
  readonly doc: (name: string) => Documentation;
}

function componentOf(purl: string, places: readonly PlacedPackage[], together: Together): PackageComponent {
  const first = places.reduce((a, b) => (a.path <= b.path ? a : b));
  const { found } = first;
  const isSystem = isSystemPackage(found);
  const { licences, vulnerabilities } = found.type === "deb" ? together.doc(found.name) : NO_DOCUMENTATION;
  const { distribution } = together;
  const namespace = namespaceOf(found, distribution);
  const needs = [...(together.needs.get(purl) ?? [])].sort();
  const hashes = places.find((place) => place.found.hashes !== undefined)?.found.hashes;
  const isDevelopment = places.every((place) => place.found.scope === "development");
  return {
    type: found.type,
    ...(namespace === undefined ? {} : { namespace }),
    name: found.name,
    version: found.version,
    purl,
    ...(found.source === undefined ? {} : { source: found.source }),
    ...(isSystem && distribution !== undefined
      ? { distribution: { id: distribution.id, version: distribution.version } }
      : {}),
    licences: [...new Set([...places.flatMap((place) => place.found.licences), ...licences])].sort(),
    ...(found.supplier === undefined ? {} : { supplier: found.supplier }),
    ...(hashes === undefined ? {} : { hashes }),
    locations: [...new Set(places.map(({ path }) => path))].filter((path) => path !== "").sort(),
    ...(first.layer === "" ? {} : { layer: first.layer }),
    ...(found.scope === undefined ? {} : { scope: isDevelopment ? "development" : "runtime" }),
    ...(needs.length === 0 ? {} : { dependsOn: needs }),
    ...(vulnerabilities.length === 0 ? {} : { fixedVulnerabilities: vulnerabilities }),
  };
}

/** The layer that brought it: a database that later layers wrote anew says the same of what was there before. */
function layerOf(found: FoundPackage, file: VisibleFile): string {
  let { layer } = file;
  for (const earlier of file.earlier.toReversed()) {
    if (!earlier.facts.some((fact) => fact.fact === "package" && isSame(fact.package, found))) break;
    layer = earlier.layer;
  }
  return layer;
}

function isSame(a: FoundPackage, b: FoundPackage): boolean {
  return (
    a.name === b.name &&
    a.version === b.version &&
    a.type === b.type &&
    a.namespace === b.namespace &&
    a.qualifiers?.["arch"] === b.qualifiers?.["arch"]
  );
}

function distributionOf(files: ReadonlyMap<string, VisibleFile>): Distribution | undefined {
  for (const path of ["etc/os-release", "usr/lib/os-release"]) {
    const fact = files.get(path)?.facts.find((one) => one.fact === "distribution");
    if (fact?.fact === "distribution") return fact.distribution;
  }
  return undefined;
}

/**
 * Files of the distribution's packages, with the layer that says so. What a later layer wrote over one of them
 * (`pip install`, `npm install -g`) is the distribution's no more.
 */
function ownedPaths(
  files: ReadonlyMap<string, VisibleFile>,
  links: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const owned = new Map<string, number>();
  for (const { facts, at } of files.values()) {
    for (const fact of facts) {
      if (fact.fact !== "owned") continue;
      for (const path of fact.paths) {
        const place = followLinks(path, links);
        owned.set(place, Math.max(at, owned.get(place) ?? -1));
      }
    }
  }
  return owned;
}

interface Documentation {
  readonly licences: readonly string[];
  readonly vulnerabilities: readonly string[];
}

const NO_DOCUMENTATION: Documentation = { licences: [], vulnerabilities: [] };
const DOC = "usr/share/doc/";

/** What lies in a Debian package's documentation directory, by package name. */
function documentation(
  files: ReadonlyMap<string, VisibleFile>,
  links: ReadonlyMap<string, string>,
): (name: string) => Documentation {
  const byDirectory = new Map<string, Fact[]>();
  for (const { path, facts } of files.values()) {
    if (!path.startsWith(DOC)) continue;
    const name = path.slice(DOC.length, path.indexOf("/", DOC.length));
    const known = byDirectory.get(name);
    if (known === undefined) byDirectory.set(name, [...facts]);
    else known.push(...facts);
  }
  return (name) => {
    // A package may link its directory to that of another one of the same source.
    const target = followLinks(`${DOC}${name}`, links).slice(DOC.length);
    const facts = [...(byDirectory.get(name) ?? []), ...(target === name ? [] : (byDirectory.get(target) ?? []))];
    return {
      licences: facts.flatMap((fact) => (fact.fact === "licences" ? fact.licences : [])),
      vulnerabilities: [
        ...new Set(facts.flatMap((fact) => (fact.fact === "fixes" ? fact.vulnerabilities : []))),
      ].sort(),
    };
  };
}
