// The shared libraries of a base, from Debian packages, and the distribution that they are of.
import { readFile } from "node:fs/promises";
import type { Log } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import { present } from "../model/headers/model-facts.ts";
import type { TarEntry } from "../archive/tar-writer.ts";
import type { Material } from "../artifact-plan.ts";
import type { RunCommand } from "../run-command.ts";
import type { CachedBase } from "./base-cache.ts";
import { fetchDebianPackages, unpackDebianPackage, type DebianPackage } from "./debian-packages.ts";

export interface Libraries {
  readonly description: string;
  readonly entries: readonly TarEntry[];
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
}

export async function librariesFromDebian(
  packages: readonly DebianPackage[],
  osRelease: string,
  o: {
    runCommand: RunCommand;
    cacheDirectory: string;
    log: Log;
    runtime: string;
    isWanted?: (path: string) => boolean;
  },
): Promise<Libraries> {
  const { id, versionId } = parseOsRelease(osRelease);
  const distribution = `${id}-${versionId}`;
  const entries: TarEntry[] = [];
  const components: SbomComponent[] = [{ type: "operating-system", name: id, version: versionId }];
  const materials: Material[] = [];
  const paths = await fetchDebianPackages(packages, o);
  for (const [index, wanted] of packages.entries()) {
    const path = paths[index] ?? "";
    const unpacked = await unpackDebianPackage(wanted, path, {
      runCommand: o.runCommand,
      distribution,
      isWanted: o.isWanted,
    });
    entries.push(...unpacked.entries);
    components.push(unpacked.component);
    materials.push(unpacked.material);
  }
  return {
    description: `${o.runtime} on ${distribution}, with ${packages.map(({ name }) => name).join(", ")}`,
    entries,
    components,
    materials,
  };
}

/** A component of a base as the cache keeps it: what parts of a base have. */
export function plainComponent(component: SbomComponent): CachedBase["components"][number] {
  const { type, namespace, name, version, purl, licences, hashes, source, distribution, locations } = component;
  const properties = Object.entries(component.properties ?? {}).map(([key, value]) => [key, [value].flat().join(" ")]);
  return {
    type:
      type === "application" || type === "operating-system" || type === "file" || type === "data" ? type : "library",
    name,
    ...present({ namespace, version, purl, source, distribution }),
    ...(licences === undefined ? {} : { licences: [...licences] }),
    ...(hashes === undefined ? {} : { hashes: { ...hashes } }),
    ...(locations === undefined ? {} : { locations: [...locations] }),
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
  };
}

const OS_RELEASE_KEYS = /^(?:ID|ID_LIKE|NAME|PRETTY_NAME|VERSION|VERSION_ID|VERSION_CODENAME)=/;

/** The distribution of this machine: apt's packages are its packages, and scanners match them by it. */
export async function readOsRelease(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "ID=linux\n");
  return (
    text
      .split("\n")
      .filter((line) => OS_RELEASE_KEYS.test(line))
      .slice(0, 20)
      .join("\n") + "\n"
  );
}

export function parseOsRelease(text: string): { id: string; versionId: string } {
  const value = (key: string): string => new RegExp(`^${key}="?([A-Za-z0-9._-]+)"?$`, "m").exec(text)?.[1] ?? "unknown";
  return { id: value("ID"), versionId: value("VERSION_ID") };
}
