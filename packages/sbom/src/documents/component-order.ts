// The order in which every format lists components: models first, then by type, name, version and purl.
import type { SbomComponent } from "./sbom-document.ts";

export function sortComponents(components: readonly SbomComponent[]): SbomComponent[] {
  const keyed = components.map((component) => ({ component, key: keyOf(component) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ component }) => component);
}

function keyOf({ type, name, version = "", purl = "", hashes }: SbomComponent): string {
  return `${type === "machine-learning-model" ? " " : type}\n${name}\n${version}\n${purl}\n${hashes?.["sha256"] ?? ""}`;
}
