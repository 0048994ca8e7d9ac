// The purl of a package, as purl-spec has it for its type.
import { PackageURL } from "packageurl-js";
import type { Distribution } from "./catalogue.ts";
import { pythonName } from "./detect/python.ts";
import type { FoundPackage } from "./facts.ts";

const SYSTEM_TYPES: ReadonlySet<string> = new Set(["deb", "apk", "rpm"]);
const FALLBACK_NAMESPACE: Readonly<Record<string, string>> = { deb: "debian", apk: "alpine", rpm: "redhat" };
/** Vendors whose purl namespace is not their `ID` in os-release. */
const NAMESPACES: ReadonlyMap<string, string> = new Map([
  ["rhel", "redhat"],
  ["opensuse-leap", "opensuse"],
  ["opensuse-tumbleweed", "opensuse"],
  ["sles", "suse"],
  ["sled", "suse"],
]);

/** Package of a distribution: its advisories, its versions, its files. */
export function isSystemPackage({ type }: { readonly type: string }): boolean {
  return SYSTEM_TYPES.has(type);
}

export function namespaceOf(found: FoundPackage, distribution: Distribution | undefined): string | undefined {
  if (!isSystemPackage(found) || found.namespace !== undefined) return found.namespace;
  if (distribution === undefined) return FALLBACK_NAMESPACE[found.type];
  return NAMESPACES.get(distribution.id) ?? distribution.id;
}

/** `undefined` where the parts make no purl. */
export function purlOf(found: FoundPackage, distribution: Distribution | undefined): string | undefined {
  const qualifiers: Record<string, string> = { ...found.qualifiers };
  let version = found.version;
  if (isSystemPackage(found) && distribution !== undefined) {
    qualifiers["distro"] = distribution.version === "" ? distribution.id : `${distribution.id}-${distribution.version}`;
  }
  if (found.type === "rpm") {
    // purl-spec: an rpm's epoch is a qualifier; of a deb it is part of the version.
    const match = /^(\d+):(.*)$/s.exec(version);
    if (match?.[1] !== undefined && match[2] !== undefined) {
      version = match[2];
      qualifiers["epoch"] = match[1];
    }
  }
  try {
    const namespace = namespaceOf(found, distribution);
    const { subpath } = found;
    // PEP 503, as the index and its advisories name packages; purl-spec alone keeps dots.
    const name = found.type === "pypi" ? pythonName(found.name) : found.name;
    return new PackageURL(found.type, namespace, name, version, qualifiers, subpath).toString();
  } catch {
    return undefined;
  }
}
