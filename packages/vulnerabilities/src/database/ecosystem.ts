// Names of ecosystems and packages as the database keeps them, so that an advisory and a component meet.
import type { PackageKey } from "@pratique/store";

/** What stands before the colon of an OSV ecosystem: it chooses the version order. */
export function ecosystemFamily(ecosystem: string): string {
  const colon = ecosystem.indexOf(":");
  return colon < 0 ? ecosystem : ecosystem.slice(0, colon);
}

/** Releases of which OSV gives more than the database asks for: `Ubuntu:22.04:LTS` is `Ubuntu:22.04`. */
const RELEASE_FORMS: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^Ubuntu:(\d+\.\d+)(?::LTS)?$/, ([, release]) => `Ubuntu:${release}`],
  [/^Ubuntu:Pro:(\d+\.\d+)(?::LTS)?$/, ([, release]) => `Ubuntu:Pro:${release}`],
  // Streams such as rhel_eus and rhel_aus have fixes that an ordinary installation does not get.
  [/^Red Hat:enterprise_linux:(\d+)(?:\.\d+)?(?:::.*)?$/, ([, release]) => `Red Hat:${release}`],
  [/^(AlmaLinux|Rocky Linux|Azure Linux|Mageia):(\d+)(?:\.\d+)*$/, ([, family, release]) => `${family}:${release}`],
  [
    /^SUSE:Linux Enterprise (?:Server|Desktop|High Performance Computing|Module for .+?) (\d+)(?: SP(\d+))?(?:-\w+)*$/,
    ([, major, pack]) => `SUSE:${major}${pack === undefined ? "" : `.${pack}`}`,
  ],
  [/^openSUSE:(?:Leap )?(\d+\.\d+|Tumbleweed)$/, ([, release]) => `openSUSE:${release}`],
  [/^Alpine:v?(\d+\.\d+)(?:\.\d+)?$/, ([, release]) => `Alpine:v${release}`],
  [/^Debian:(\d+)(?:\.\d+)?$/, ([, release]) => `Debian:${release}`],
];

/** The ecosystem, release included, under which an OSV record is found. */
export function normalEcosystem(ecosystem: string): string {
  for (const [form, normal] of RELEASE_FORMS) {
    const match = form.exec(ecosystem);
    if (match !== null) return normal(match);
  }
  return ecosystem;
}

/** The form of a name that is the same however it was written. */
export function normalName(family: string, name: string): string {
  switch (family) {
    case "PyPI": // PEP 503
      return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
    case "NuGet":
    case "Packagist":
    case "GitHub Actions":
    case "VSCode":
      return name.toLowerCase();
    default:
      return name;
  }
}

export function packageKey(ecosystem: string, name: string): PackageKey {
  return keyIn(normalEcosystem(ecosystem), name);
}

/** The key in an ecosystem that is in its normal form already. */
export function keyIn(ecosystem: string, name: string): PackageKey {
  return { ecosystem, name: normalName(ecosystemFamily(ecosystem), name) };
}
