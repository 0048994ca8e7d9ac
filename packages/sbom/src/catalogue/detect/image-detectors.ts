// Which detector reads which file of an image. What is installed counts there: lock files say nothing (supply-chain: section 4.3).
import { mcpServerFile, modelWeights, skillFile } from "../ai/ai-detectors.ts";
import type { Detector } from "../facts.ts";
import { apkInstalled } from "./apk.ts";
import { executable } from "./binary.ts";
import { debianChangelog } from "./debian-changelog.ts";
import { debianCopyright } from "./debian-copyright.ts";
import { dpkgList, dpkgStatus, dpkgSums } from "./dpkg.ts";
import { composerInstalled, condaPackage, dotnetDependencies, gemSpecification } from "./installed-others.ts";
import { javaArchive } from "./java.ts";
import { npmPackage } from "./npm.ts";
import { osRelease } from "./os-release.ts";
import { pythonMetadata } from "./python.ts";
import { rpmBerkeley, rpmManifest, rpmNdb, rpmSqlite, rpmSqliteLog } from "./rpm.ts";

/** Where rpm's database has been: classic, Fedora and SUSE today, rpm-ostree. */
const RPM_DIRECTORIES = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];

const BY_PATH: ReadonlyMap<string, Detector> = new Map([
  ["etc/os-release", osRelease],
  ["usr/lib/os-release", osRelease],
  ["var/lib/dpkg/status", dpkgStatus],
  ["lib/apk/db/installed", apkInstalled],
  ["usr/lib/apk/db/installed", apkInstalled],
  ["var/lib/rpmmanifest/container-manifest-2", rpmManifest],
  ...RPM_DIRECTORIES.flatMap((directory): [string, Detector][] => [
    [`${directory}/rpmdb.sqlite`, rpmSqlite],
    [`${directory}/rpmdb.sqlite-wal`, rpmSqliteLog],
    [`${directory}/Packages.db`, rpmNdb],
    [`${directory}/Packages`, rpmBerkeley],
  ]),
]);

/** Names that mean something only in a certain place. */
const PLACES: ReadonlyMap<string, readonly [RegExp, Detector]> = new Map<string, readonly [RegExp, Detector]>([
  ["METADATA", [/\.dist-info\/METADATA$/, pythonMetadata]],
  ["PKG-INFO", [/(?:\.egg-info|(?:^|\/)EGG-INFO)\/PKG-INFO$/, pythonMetadata]],
  ["copyright", [/^usr\/share\/doc\/[^/]+\/copyright$/, debianCopyright]],
  ["SKILL.md", [/SKILL\.md$/, skillFile]],
  ["server.json", [/(?:^|\/)server\.json$/, mcpServerFile]],
  ["installed.json", [/(?:^|\/)vendor\/composer\/installed\.json$/, composerInstalled]],
]);

const BY_ENDING: ReadonlyMap<string, Detector> = new Map([
  ["egg-info", pythonMetadata],
  ...["jar", "war", "ear", "par", "hpi", "jpi"].map((ending): [string, Detector] => [ending, javaArchive]),
  ["gguf", modelWeights],
  ["safetensors", modelWeights],
  ["so", executable],
  ["node", executable],
]);

/** The detector for a path, or `undefined`. Called once for every entry, so it looks at the last part first. */
export function imageDetector(path: string, mode: number): Detector | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === "package.json") return npmPackage;
  const place = PLACES.get(name);
  if (place !== undefined) return place[0].test(path) ? place[1] : undefined;
  const placed = BY_PATH.get(path);
  if (placed !== undefined) return placed;
  if (path.startsWith("var/lib/dpkg/")) return dpkgFile(path, name);
  if (name.startsWith("changelog.") && path.startsWith("usr/share/doc/")) {
    return /^changelog\.(?:Debian\.(?:[a-z0-9-]+\.)?)?gz$/.test(name) ? debianChangelog : undefined;
  }
  const ending = BY_ENDING.get(name.slice(name.lastIndexOf(".") + 1));
  if (ending !== undefined) return ending;
  return otherDetector(path, { name, mode });
}

function dpkgFile(path: string, name: string): Detector | undefined {
  if (path.startsWith("var/lib/dpkg/status.d/")) return name.endsWith(".md5sums") ? dpkgSums : dpkgStatus;
  return path.startsWith("var/lib/dpkg/info/") && name.endsWith(".list") ? dpkgList : undefined;
}

function otherDetector(path: string, { name, mode }: { name: string; mode: number }): Detector | undefined {
  if (name.endsWith(".gemspec"))
    return /(?:^|\/)specifications\/(?:default\/)?[^/]+$/.test(path) ? gemSpecification : undefined;
  if (name.endsWith(".deps.json")) return dotnetDependencies;
  if (name.endsWith(".json")) return /(?:^|\/)conda-meta\/[^/]+$/.test(path) ? condaPackage : undefined;
  if ((mode & 0o111) !== 0 || name.includes(".so.")) return executable;
  return undefined;
}
