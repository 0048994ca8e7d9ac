// What formats have no word for, as names and values that any of them can carry; and the same of other tools, read.
import { parsePurl } from "./purl.ts";
import type { SbomComponent, SbomProperty } from "./sbom-document.ts";

const SOURCE_NAME = "pratique:source:name";
const SOURCE_VERSION = "pratique:source:version";
const DISTRIBUTION = "pratique:distribution";
const LAYER = "pratique:layer";
const SCOPE = "pratique:scope";
const FIXED = "pratique:fixed-vulnerability";
const LOCATION = "pratique:location";

const FACTS: ReadonlySet<string> = new Set([SOURCE_NAME, SOURCE_VERSION, DISTRIBUTION, LAYER, SCOPE, FIXED, LOCATION]);

/** The properties of a component, sorted by name. `locations` only where the format has no place for them. */
export function propertiesOf(component: SbomComponent, withLocations: boolean): SbomProperty[] {
  const { source, distribution, layer, scope, fixedVulnerabilities, locations, properties } = component;
  const list: SbomProperty[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) list.push({ name, value });
  };
  if (source !== undefined) {
    add(SOURCE_NAME, source.name);
    add(SOURCE_VERSION, source.version);
  }
  if (distribution !== undefined && !saysDistribution(component.purl, distribution)) {
    add(DISTRIBUTION, `${distribution.id} ${distribution.version}`);
  }
  add(LAYER, layer);
  add(SCOPE, scope);
  for (const id of fixedVulnerabilities ?? []) add(FIXED, id);
  if (withLocations) for (const path of locations ?? []) add(LOCATION, path);
  for (const [name, value] of Object.entries(properties ?? {})) {
    for (const one of typeof value === "string" ? [value] : value) add(name, one);
  }
  return list.length < 2 ? list : list.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Most purls of distribution packages end with it: no need to parse thousands. */
function saysDistribution(purl: string | undefined, { id, version }: { id: string; version: string }): boolean {
  if (purl === undefined) return false;
  if (!purl.includes("distro=")) return false;
  if (purl.includes(`distro=${id}-${version}`)) return parsePurl(purl)?.distribution?.version === version;
  return false;
}

type Facts = Pick<
  SbomComponent,
  "source" | "distribution" | "locations" | "layer" | "scope" | "fixedVulnerabilities" | "properties"
>;

/** What properties say, those of syft, Trivy and cdxgen, too. */
export function factsOfProperties(list: readonly SbomProperty[]): Facts {
  if (list.length === 0) return {};
  const values = new Map<string, string[]>();
  for (const { name, value } of list) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  const first = (...names: string[]): string | undefined => {
    for (const name of names) {
      const value = values.get(name)?.[0];
      if (value !== undefined && value !== "") return value;
    }
    return undefined;
  };
  const [id, version] = (first(DISTRIBUTION) ?? "").split(" ");
  const layer = first(LAYER, "aquasecurity:trivy:LayerDigest", "syft:location:0:layerID");
  const locations = [
    ...(values.get(LOCATION) ?? []),
    ...[...values].filter(([name]) => /^syft:location:\d+:path$/.test(name)).flatMap(([, paths]) => paths),
    ...(values.get("aquasecurity:trivy:FilePath") ?? []),
    ...(values.get("SrcFile") ?? []),
  ].map((path) => path.replace(/^\/+/, ""));
  const own = [...values].filter(([name]) => !FACTS.has(name));
  return {
    ...source(first),
    ...(id === undefined || id === "" || version === undefined ? {} : { distribution: { id, version } }),
    ...(layer === undefined ? {} : { layer }),
    ...scope(first(SCOPE), first("cdx:npm:package:development", "cdx:pypi:development")),
    ...(values.has(FIXED) ? { fixedVulnerabilities: [...(values.get(FIXED) ?? [])].sort() } : {}),
    ...(locations.length === 0 ? {} : { locations: [...new Set(locations)].sort() }),
    ...(own.length === 0
      ? {}
      : { properties: Object.fromEntries(own.map(([name, all]) => [name, all.length === 1 ? all[0]! : all])) }),
  };
}

function source(first: (...names: string[]) => string | undefined): Pick<Facts, "source"> {
  const name = first(SOURCE_NAME, "aquasecurity:trivy:SrcName", "syft:metadata:source", "syft:metadata:originPackage");
  if (name === undefined) return {};
  const epoch = first("aquasecurity:trivy:SrcEpoch");
  const release = first("aquasecurity:trivy:SrcRelease");
  const trivy = first("aquasecurity:trivy:SrcVersion");
  const full =
    trivy === undefined
      ? undefined
      : `${epoch === undefined || epoch === "0" ? "" : `${epoch}:`}${trivy}${release === undefined ? "" : `-${release}`}`;
  const version = first(SOURCE_VERSION) ?? full ?? first("syft:metadata:sourceVersion");
  return version === undefined ? {} : { source: { name, version } };
}

function scope(own: string | undefined, development: string | undefined): Pick<Facts, "scope"> {
  if (own === "runtime" || own === "development") return { scope: own };
  return development === "true" ? { scope: "development" } : {};
}
