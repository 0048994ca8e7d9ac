// What installed packages say of themselves, put beside what a lock or an index says of them.
import { catalogueDirectory, componentOfPackage, type SbomComponent } from "@pratique/sbom";

/** Every package that lies in a directory, in the order of purls. @param below where the directory will lie in the image */
export async function installedPackages(directory: string, below: string): Promise<SbomComponent[]> {
  const { components } = await catalogueDirectory(directory, { as: "root" });
  return components.map((found) =>
    componentOfPackage({
      ...found,
      locations: found.locations.map((path) => (below === "" ? path : `${below}/${path}`)),
    }),
  );
}

/**
 * Resolved packages with where they lie, who made them and what they need, then those that came inside of others.
 * What was resolved has the last word: its checksums were compared.
 */
export function withInstalled(
  resolved: readonly SbomComponent[],
  installed: readonly SbomComponent[],
): readonly SbomComponent[] {
  const left = new Map(installed.map((one) => [keyOf(one), one]));
  const known = resolved.map((one) => {
    const found = left.get(keyOf(one));
    left.delete(keyOf(one));
    return { ...found, ...one };
  });
  return [...known, ...left.values()];
}

/** Writers of purls differ in what they encode. */
function keyOf({ name, purl }: SbomComponent): string {
  return purl === undefined ? name : decodeURIComponent(purl);
}
