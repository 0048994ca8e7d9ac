// Which detector reads which file of an image. What is installed counts there: lock files say nothing (supply-chain: section 4.3).
import type { Detector } from "../facts.ts";
import { debianChangelog } from "./debian-changelog.ts";
import { debianCopyright } from "./debian-copyright.ts";
import { dpkgList, dpkgStatus, dpkgSums } from "./dpkg.ts";
import { npmPackage } from "./npm.ts";
import { osRelease } from "./os-release.ts";
import { pythonMetadata } from "./python.ts";

const BY_PATH: ReadonlyMap<string, Detector> = new Map([
  ["etc/os-release", osRelease],
  ["usr/lib/os-release", osRelease],
  ["var/lib/dpkg/status", dpkgStatus],
]);

const BY_NAME: ReadonlyMap<string, Detector> = new Map([
  ["package.json", npmPackage],
  ["METADATA", pythonMetadata],
  ["PKG-INFO", pythonMetadata],
  ["copyright", debianCopyright],
]);

/** The detector for a path, or `undefined`. Called once for every entry, so it looks at the last part first. */
export function imageDetector(path: string, mode: number): Detector | undefined {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const named = BY_NAME.get(name);
  if (named === npmPackage) return named;
  if (named !== undefined) return inItsPlace(named, path) ? named : undefined;
  const placed = BY_PATH.get(path);
  if (placed !== undefined) return placed;
  if (path.startsWith("var/lib/dpkg/")) return dpkgFile(path, name);
  if (name.startsWith("changelog.") && path.startsWith("usr/share/doc/")) return debianChangelog;
  if (name.endsWith(".egg-info")) return pythonMetadata;
  return mode < 0 ? undefined : undefined;
}

function inItsPlace(detector: Detector, path: string): boolean {
  if (detector === debianCopyright) return /^usr\/share\/doc\/[^/]+\/copyright$/.test(path);
  return /\.dist-info\/METADATA$|\.egg-info\/PKG-INFO$|(?:^|\/)EGG-INFO\/PKG-INFO$/.test(path);
}

function dpkgFile(path: string, name: string): Detector | undefined {
  if (path.startsWith("var/lib/dpkg/status.d/")) return name.endsWith(".md5sums") ? dpkgSums : dpkgStatus;
  return path.startsWith("var/lib/dpkg/info/") && name.endsWith(".list") ? dpkgList : undefined;
}
