// Found packages as components of a bill of materials, and back.
import type { PackageComponent } from "@pratique/contracts";
import { defined } from "./json-at.ts";
import { parsePurl } from "./purl.ts";
import type { SbomComponent, SbomDocument } from "./sbom-document.ts";

/** A package that the catalogue found. */
export function componentOfPackage(found: PackageComponent): SbomComponent {
  const { type: _type, namespace, name, version, purl, hashes, ...rest } = found;
  return {
    ...rest,
    type: "library",
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(version === "" ? {} : { version }),
    purl,
    ...(hashes === undefined
      ? {}
      : { hashes: Object.fromEntries(Object.entries(hashes).map(([key, value]) => [hashKey(key), value])) }),
  };
}

/** The packages that a document names: every component with a purl and a version, and what it is of, when that is a package. */
export function packageComponentsOf(
  document: Pick<SbomDocument, "components"> & { readonly subject?: SbomDocument["subject"] },
): PackageComponent[] {
  const { subject, components } = document;
  const own =
    subject?.purl === undefined || /^pkg:(?:oci|docker)\//.test(subject.purl) ? undefined : packageOf(subject);
  return [...(own === undefined ? [] : [own]), ...components.flatMap((component) => packageOf(component) ?? [])];
}

function packageOf(component: Omit<SbomComponent, "type">): PackageComponent | undefined {
  const { purl: text, version } = component;
  const purl = text === undefined ? undefined : parsePurl(text);
  if (purl === undefined || text === undefined) return undefined;
  const known = version ?? purl.version;
  if (known === undefined) return undefined;
  const { source, distribution, layer, scope, fixedVulnerabilities, supplier, dependsOn, hashes } = component;
  return {
    type: purl.type,
    ...(purl.namespace === undefined ? {} : { namespace: purl.namespace }),
    name: purl.name,
    version: withEpoch(purl.version ?? known, purl.qualifiers["epoch"]),
    purl: text,
    ...defined({ source: source ?? purl.source, distribution: distribution ?? purl.distribution, layer, scope }),
    ...defined({ fixedVulnerabilities, supplier, dependsOn }),
    ...(hashes === undefined
      ? {}
      : { hashes: Object.fromEntries(Object.entries(hashes).map(([key, value]) => [key.toUpperCase(), value])) }),
    licences: component.licences ?? [],
    locations: component.locations ?? [],
  };
}

/** rpm's purl keeps the epoch apart (purl-spec, rpm). */
function withEpoch(version: string, epoch: string | undefined): string {
  return epoch === undefined || epoch === "0" || /^\d+:/.test(version) ? version : `${epoch}:${version}`;
}

/** `SHA-256`, `SHA256` → `sha256`. */
export function hashKey(algorithm: string): string {
  return algorithm.toLowerCase().replace(/[^a-z0-9]/g, "");
}
