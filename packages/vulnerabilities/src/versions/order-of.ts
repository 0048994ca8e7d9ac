// Which version order an ecosystem has.
import { apkOrder } from "./apk.ts";
import { composerOrder } from "./composer.ts";
import { dottedOrder } from "./dotted.ts";
import { dpkgOrder } from "./dpkg.ts";
import { mavenOrder } from "./maven.ts";
import { nugetOrder } from "./nuget.ts";
import { pep440Order } from "./pep440.ts";
import { rpmOrder } from "./rpm.ts";
import { rubygemsOrder } from "./rubygems.ts";
import { goOrder, pubOrder, semverOrder } from "./semver.ts";
import { textOrder, type TextOrder } from "./version-order.ts";

const dpkg = textOrder(dpkgOrder);
const apk = textOrder(apkOrder);
const rpm = textOrder(rpmOrder);
const dotted = textOrder(dottedOrder);

/** The order of OSV ranges of type SEMVER, whatever the ecosystem. */
export const semanticVersions: TextOrder = textOrder(semverOrder);

/** By the family: what stands before the colon of an OSV ecosystem. */
const ORDERS: ReadonlyMap<string, TextOrder> = new Map([
  ...["Debian", "Ubuntu", "Echo"].map((family) => [family, dpkg] as const),
  ...["Alpine", "Wolfi", "Chainguard", "Alpaquita", "MinimOS", "BellSoft Hardened Containers"].map(
    (family) => [family, apk] as const,
  ),
  ...["Red Hat", "AlmaLinux", "Rocky Linux", "SUSE", "openSUSE", "Mageia", "openEuler", "Azure Linux", "Photon OS"].map(
    (family) => [family, rpm] as const,
  ),
  ...[
    "npm",
    "crates.io",
    "Hex",
    "Julia",
    "SwiftURL",
    "ConanCenter",
    "Bitnami",
    "Bioconductor",
    "GHC",
    "GitHub Actions",
    "Docker Hardened Images",
    "DHI",
    "VSCode",
  ].map((family) => [family, semanticVersions] as const),
  ["Go", textOrder(goOrder)],
  ["Pub", textOrder(pubOrder)],
  ["PyPI", textOrder(pep440Order)],
  ["Maven", textOrder(mavenOrder)],
  ["NuGet", textOrder(nugetOrder)],
  ["RubyGems", textOrder(rubygemsOrder)],
  ["Packagist", textOrder(composerOrder)],
  ["CRAN", dotted],
  ["Hackage", dotted],
]);

/** Undefined for an ecosystem whose order is not known: nothing can be said of its packages. */
export function versionOrderOf(family: string): TextOrder | undefined {
  return ORDERS.get(family);
}
