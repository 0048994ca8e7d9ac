// Under what keys the advisories of a component are found, or why none can be.
import type { PackageComponent } from "@pratique/contracts";
import type { PackageKey } from "@pratique/store";
import { keyIn } from "./ecosystem.ts";

/** Why nothing is known of a component. None of these means that it is sound. */
export type UncheckedReason =
  /** No advisories exist for what it is. */
  | "ecosystem-unsupported"
  /** A package of a distribution that nobody named. */
  | "distribution-unknown"
  /** No imported source has advisories of this ecosystem or release. */
  | "no-data"
  /** Its version cannot be put in order. */
  | "version-unknown";

export interface ComponentKeys {
  readonly keys: readonly PackageKey[];
  /** The version that advisories of this ecosystem compare with. */
  readonly version: string;
}

/** purl type to the ecosystem, and how it joins namespace and name. */
const LANGUAGES: Readonly<Record<string, readonly [ecosystem: string, join: string]>> = {
  npm: ["npm", "/"],
  pypi: ["PyPI", "/"],
  golang: ["Go", "/"],
  cargo: ["crates.io", "/"],
  maven: ["Maven", ":"],
  gem: ["RubyGems", "/"],
  nuget: ["NuGet", "/"],
  composer: ["Packagist", "/"],
  hex: ["Hex", "/"],
  pub: ["Pub", "/"],
  cran: ["CRAN", "/"],
  hackage: ["Hackage", "/"],
  swift: ["SwiftURL", "/"],
  conan: ["ConanCenter", "/"],
  bitnami: ["Bitnami", "/"],
  julia: ["Julia", "/"],
  dhi: ["DHI", "/"],
  githubactions: ["GitHub Actions", "/"],
};

const DISTRIBUTION_TYPES = new Set(["deb", "apk", "rpm"]);

/** The keys of a component: also what `changedSince` names, so that an inventory can be kept by them. */
export function componentKeys(component: PackageComponent): ComponentKeys | UncheckedReason {
  if (DISTRIBUTION_TYPES.has(component.type)) return distributionKeys(component);
  const language = Object.hasOwn(LANGUAGES, component.type) ? LANGUAGES[component.type] : undefined;
  if (language === undefined) return "ecosystem-unsupported";
  if (component.version === "") return "version-unknown";
  const [ecosystem, join] = language;
  const { namespace = "" } = component;
  const name = namespace === "" ? component.name : `${namespace}${join}${component.name}`;
  return { keys: [keyIn(ecosystem, name)], version: component.version };
}

/** The keys alone; none for a component of which nothing can be known. */
export function advisoryKeys(component: PackageComponent): readonly PackageKey[] {
  const found = componentKeys(component);
  return typeof found === "string" ? [] : found.keys;
}

/** By source package and release only: upstream's versions say nothing of a distribution's. */
function distributionKeys(component: PackageComponent): ComponentKeys | UncheckedReason {
  const ecosystems = ecosystemsOf(component);
  if (ecosystems === undefined) return "distribution-unknown";
  if (ecosystems.length === 0) return "ecosystem-unsupported";
  const { source } = component;
  const version = source?.version ?? component.version;
  if (version === "") return "version-unknown";
  const names = new Set([source?.name ?? component.name]);
  // Advisories for rpm name binary packages, source packages, or both; one version stands for all of a source.
  if (component.type === "rpm") names.add(component.name);
  const keys = ecosystems.flatMap((ecosystem) => [...names].map((name) => keyIn(ecosystem, name)));
  return { keys, version: component.type === "rpm" ? component.version : version };
}

/** Undefined when the distribution is not known, empty when it publishes nothing that is understood here. */
function ecosystemsOf(component: PackageComponent): string[] | undefined {
  const distribution = component.distribution ?? distributionOfPurl(component.purl);
  if (distribution === undefined || distribution.id === "") return undefined;
  const version = distribution.version;
  const major = /^\d+/.exec(version)?.[0];
  const twoParts = /^\d+\.\d+/.exec(version)?.[0];
  switch (distribution.id) {
    case "debian":
      return release("Debian", major ?? (/sid|unstable/.test(version) ? "sid" : undefined));
    case "ubuntu":
      return twoParts === undefined ? undefined : [`Ubuntu:${twoParts}`, `Ubuntu:Pro:${twoParts}`];
    case "alpine":
      if (version === "edge" || version.includes("_alpha")) return ["Alpine:edge"];
      return release("Alpine", twoParts === undefined ? undefined : `v${twoParts}`);
    case "wolfi":
      return ["Wolfi"];
    case "chainguard":
      return ["Chainguard", "Wolfi"];
    case "minimos":
      return ["MinimOS"];
    case "alpaquita":
    case "bellsoft-hardened-containers":
      return release(distribution.id === "alpaquita" ? "Alpaquita" : "BellSoft Hardened Containers", version);
    case "rhel":
    case "redhat":
    case "centos":
      return release("Red Hat", major);
    case "almalinux":
      return release("AlmaLinux", major);
    case "rocky":
      return release("Rocky Linux", major);
    case "sles":
    case "sled":
    case "sles_sap":
      return release("SUSE", version === "" ? undefined : version);
    case "opensuse-leap":
      return release("openSUSE", twoParts);
    case "opensuse-tumbleweed":
      return ["openSUSE:Tumbleweed"];
    case "openEuler":
    case "openeuler":
      return release("openEuler", version === "" ? undefined : version);
    case "mageia":
      return release("Mageia", major);
    case "azurelinux":
    case "mariner":
      return release("Azure Linux", major);
    default:
      return [];
  }
}

function release(family: string, version: string | undefined): string[] | undefined {
  return version === undefined || version === "" ? undefined : [`${family}:${version}`];
}

/** `distro=debian-12`, as most catalogues write it. */
function distributionOfPurl(purl: string): { id: string; version: string } | undefined {
  const match = /[?&]distro=([A-Za-z_]+(?:-[A-Za-z_]+)*)-?([^&#]*)/.exec(purl);
  if (match === null) return undefined;
  const [, id = "", version = ""] = match;
  return { id, version };
}
