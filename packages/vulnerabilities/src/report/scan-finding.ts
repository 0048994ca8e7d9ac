// Findings with what a person asks next: which package, which version, in which layer.
import type { Finding, PackageComponent, ScanFinding } from "@pratique/contracts";

/** A component, and the image of an index that it was found in. */
export interface PlacedComponent {
  readonly component: PackageComponent;
  readonly image?: string | undefined;
}

export function scanFindings(findings: readonly Finding[], placed: readonly PlacedComponent[]): ScanFinding[] {
  const byPurl = Map.groupBy(placed, ({ component }) => component.purl);
  return findings.map((finding) => {
    const places = byPurl.get(finding.purl) ?? [];
    const component = places[0]?.component;
    const images = sorted(places.map(({ image }) => image));
    return {
      ...finding,
      locations: sorted([...finding.locations, ...places.flatMap((place) => place.component.locations)]),
      package: component === undefined ? finding.purl : nameOf(component),
      installed: component?.version ?? "",
      layers: sorted(places.map((place) => place.component.layer)),
      ...(images.length === 0 ? {} : { images }),
    };
  });
}

function nameOf({ namespace, name, distribution }: PackageComponent): string {
  // The namespace of a distribution's package is the distribution.
  return namespace === undefined || namespace === "" || distribution !== undefined ? name : `${namespace}/${name}`;
}

function sorted(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))].toSorted();
}
