// Shared libraries from Debian packages: fetched and verified by apt, unpacked by dpkg-deb, listed for scanners.
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, type Log } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import { ensureDirectory, syncDirectory } from "@pratique/store";
import { readTar } from "../archive/tar-reader.ts";
import type { TarEntry } from "../archive/tar-writer.ts";
import type { Material } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import type { RunCommand } from "../run-command.ts";
import { removeStale } from "../stale-files.ts";
import { mergedPath } from "./root-file-system.ts";

/** The packages that hold what node needs: libc with its loader, libm, libdl and libpthread; libstdc++; libgcc_s. */
const PACKAGES: readonly string[] = ["libc6", "libgcc-s1", "libstdc++6"];
/** SPDX, from their copyright files. */
const LICENCES: Readonly<Record<string, string>> = {
  libc6: "LGPL-2.1-or-later",
  "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
  "libstdc++6": "GPL-3.0-or-later WITH GCC-exception-3.1",
};
const MIB = 1024 * 1024;
const UNPACK_LIMITS = { maxEntries: 5000, maxBytes: 64 * MIB } as const;

/** A package as apt would download it now. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly file: string;
  readonly uri: string;
  readonly sha256: string;
}

const URI_LINE = /^'([^']+)' (\S+_\S+_\S+\.deb) (\d+) SHA256:([0-9a-f]{64})$/;

/**
 * Asks apt which versions it would fetch; its indexes are signed and carry the checksums. Needs no network.
 * `undefined` when there is no apt, or it knows not all of the packages.
 */
export async function resolveDebianPackages(
  runCommand: RunCommand,
  architecture: string,
  wanted: readonly string[] = PACKAGES,
): Promise<DebianPackage[] | undefined> {
  const args = ["download", "--print-uris", ...wanted.map((name) => `${name}:${architecture}`)];
  const result = await runCommand("apt-get", args, { maxOutputBytes: MIB, timeoutMs: 60_000 }).catch(() => undefined);
  if (result === undefined || result.code !== 0) return undefined;
  const packages: DebianPackage[] = [];
  for (const line of Buffer.from(result.stdout).toString("utf8").split("\n")) {
    const match = URI_LINE.exec(line.trim());
    if (match === null) continue;
    const [, uri = "", file = "", , sha256 = ""] = match;
    const [name = "", version = "", arch = ""] = file.replace(/\.deb$/, "").split("_");
    packages.push({ name, version: decodeURIComponent(version), architecture: arch, file, uri, sha256 });
  }
  packages.sort((a, b) => (a.name < b.name ? -1 : 1));
  return wanted.every((name) => packages.some((found) => found.name === name)) ? packages : undefined;
}

/**
 * Fetches packages into the cache, in one call of apt, and checks each against apt's checksum.
 * @returns the path of each, in the same order
 * @throws `base.unavailable`
 */
export async function fetchDebianPackages(
  wanted: readonly DebianPackage[],
  o: { runCommand: RunCommand; cacheDirectory: string; log: Log },
): Promise<string[]> {
  const directory = join(o.cacheDirectory, "debs");
  const pathOf = ({ sha256 }: DebianPackage): string => join(directory, `${sha256}.deb`);
  const missing: DebianPackage[] = [];
  for (const one of wanted) if (!(await isPackage(one, pathOf(one)))) missing.push(one);
  if (missing.length > 0) {
    const incoming = join(directory, `incoming-${randomBytes(6).toString("hex")}`);
    await ensureDirectory(incoming);
    await removeStale(directory, "incoming-", incoming);
    try {
      o.log.info("fetching Debian packages", { packages: missing.map(({ file }) => file) });
      const names = missing.map(({ name, architecture, version }) => `${name}:${architecture}=${version}`);
      const options = { cwd: incoming, maxOutputBytes: MIB, timeoutMs: 300_000 };
      const result = await o.runCommand("apt-get", ["download", ...names], options);
      if (result.code !== 0) throw unavailable("apt-get could not download its packages");
      for (const one of missing) {
        const path = join(incoming, one.file);
        if (!(await isPackage(one, path))) throw unavailable(`${one.name} has not the checksum that apt lists`);
        const handle = await open(path, "r");
        await handle.sync().finally(() => handle.close());
        await rename(path, pathOf(one));
      }
      await syncDirectory(directory);
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
  }
  return wanted.map(pathOf);
}

async function isPackage({ sha256 }: DebianPackage, path: string): Promise<boolean> {
  return (await digestOfFile({ absolute: path, path }).catch(() => undefined)) === `sha256:${sha256}`;
}

function unavailable(reason: string, cause?: unknown): Error {
  return packagingErrors("base.unavailable", { base: "debian", reason }, { cause });
}

export interface UnpackedPackage {
  readonly entries: readonly TarEntry[];
  readonly component: SbomComponent;
  readonly material: Material;
}

/** Libraries in the loader's own directories, the loader itself, and copyright files. Not gconv, audit, locales. */
const WANTED = /^usr\/lib(?:64|\/[a-z0-9_]+-linux-gnu)?\/[^/]+\.so(?:\.[^/]*)?$|^usr\/share\/doc\/[^/]+\/copyright$/;

/** What of a package goes into the image, with its entry in the package database (as distroless images have it). */
export async function unpackDebianPackage(
  wanted: DebianPackage,
  path: string,
  o: { runCommand: RunCommand; distribution: string; isWanted?: ((path: string) => boolean) | undefined },
): Promise<UnpackedPackage> {
  const isWanted = (path: string): boolean => WANTED.test(path) || o.isWanted?.(path) === true;
  const entries: TarEntry[] = [];
  for await (const entry of tarOf(o.runCommand, "--fsys-tarfile", path)) {
    const target = mergedPath(entry.path);
    if (!isWanted(target)) continue;
    if (entry.type === "symlink") entries.push({ type: "symlink", path: target, target: entry.target });
    else if (entry.type === "file")
      entries.push({ type: "file", path: target, mode: entry.mode, body: await bodyOf(entry.body) });
  }
  const status = `var/lib/dpkg/status.d/${wanted.name}`;
  let control: Buffer = Buffer.alloc(0);
  for await (const entry of tarOf(o.runCommand, "--ctrl-tarfile", path)) {
    if (entry.type !== "file") continue;
    if (entry.path === "control") {
      control = await bodyOf(entry.body);
      entries.push({ type: "file", path: status, body: control });
    }
    if (entry.path === "md5sums")
      entries.push({ type: "file", path: `${status}.md5sums`, body: await bodyOf(entry.body) });
  }
  const { name, version, architecture, sha256 } = wanted;
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=${o.distribution}`;
  const licence = LICENCES[name];
  return {
    entries,
    component: {
      type: "library",
      namespace: "debian",
      name,
      version,
      purl,
      source: sourceOf(control.toString("utf8"), name, version),
      ...distributionOf(o.distribution),
      locations: [status],
      ...(licence === undefined ? {} : { licences: [licence] }),
    },
    material: { uri: wanted.uri, digest: { sha256 }, name: purl },
  };
}

/** `Source: gcc-12 (12.2.0-14)`: advisories name the source package. Without the field it has the same name (Debian policy §5.6.1). */
function sourceOf(control: string, name: string, version: string): { name: string; version: string } {
  const [, source = name, own = version] = /^Source:\s*([^\s(]+)(?:\s*\(([^)]+)\))?\s*$/m.exec(control) ?? [];
  return { name: source, version: own };
}

function distributionOf(text: string): { distribution?: { id: string; version: string } } {
  const at = text.lastIndexOf("-");
  return at <= 0 ? {} : { distribution: { id: text.slice(0, at), version: text.slice(at + 1) } };
}

async function* tarOf(runCommand: RunCommand, part: string, path: string): ReturnType<typeof readTar> {
  const options = { maxOutputBytes: UNPACK_LIMITS.maxBytes, timeoutMs: 120_000 };
  const result = await runCommand("dpkg-deb", [part, path], options).catch((cause: unknown) => {
    throw unavailable("dpkg-deb cannot be run", cause);
  });
  if (result.code !== 0) throw unavailable(`dpkg-deb cannot read a package: ${result.stderr.slice(0, 200)}`);
  yield* readTar(chunksOf(result.stdout), UNPACK_LIMITS, { symlinks: true });
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function bodyOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A name for the set, for cache keys. */
export function identityOf(packages: readonly DebianPackage[]): string {
  return digestOf(packages.map(({ name, version, sha256 }) => `${name} ${version} ${sha256}`).join("\n"));
}
