// Bases from nothing but Debian packages: Python with its standard library, or shared libraries alone.
import { join } from "node:path";
import { digestOf, hexOf, SingleFlight } from "@pratique/core";
import type { TarEntry } from "../archive/tar-writer.ts";
import { packagingErrors } from "../errors.ts";
import type { RunCommand } from "../run-command.ts";
import { readCachedBase, writeCachedBase } from "./base-cache.ts";
import type { BaseImage, PrepareOptions, PythonTarget } from "./base-image.ts";
import { librariesFromDebian, plainComponent, readOsRelease } from "./debian-libraries.ts";
import { identityOf, resolveDebianPackages, type DebianPackage } from "./debian-packages.ts";
import { packageClosure } from "./debian-closure.ts";
import { placeBase, type CachedAt } from "./place-base.ts";
import { skeleton, withDirectories } from "./root-file-system.ts";

export interface DebianRuntimeBaseOptions {
  readonly runtime: "python" | "native";
  readonly runCommand: RunCommand;
  /** OCI name, `amd64` or `arm64`. */
  readonly architecture: string;
}

/** Counts up when the layout of the base changes, so that cached ones are made anew. */
const LAYOUT = 1;
const CERTIFICATES = "etc/ssl/certs/ca-certificates.crt";
const LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6", "zlib1g", "ca-certificates", "tzdata"];

/** Made once from what apt verifies, then taken from the cache. There is no other source: without apt there is no such base. */
export function debianRuntimeBase(options: DebianRuntimeBaseOptions): BaseImage {
  const running = new SingleFlight<Made>();
  const find = (o: Omit<PrepareOptions, "repository">): Promise<Made> =>
    running.run(o.cacheDirectory, () => make(options, o));
  const name = `debian-${options.runtime}`;
  const env = ["PATH=/usr/local/bin:/usr/bin", `SSL_CERT_FILE=/${CERTIFICATES}`];
  if (options.runtime === "native") {
    return { name, prepare: (o) => placeBase(() => find(o), { ...o, runtime: "", env }) };
  }
  const pythonTarget = async (o: Omit<PrepareOptions, "repository">): Promise<PythonTarget> => {
    const { python } = await find(o);
    if (python === undefined) throw packagingErrors("base.unavailable", { base: name, reason: "it has no python" });
    return python;
  };
  return {
    name,
    pythonTarget,
    async prepare(o) {
      const python = await pythonTarget(o);
      const placed = await placeBase(() => find(o), { ...o, runtime: `/usr/bin/python3.${python.minor}`, env });
      return { ...placed, python };
    },
  };
}

interface Made extends CachedAt {
  readonly python: PythonTarget | undefined;
}

async function make(options: DebianRuntimeBaseOptions, o: Omit<PrepareOptions, "repository">): Promise<Made> {
  const { runtime, runCommand, architecture } = options;
  const unavailable = (reason: string): Error =>
    packagingErrors("base.unavailable", { base: `debian-${runtime}`, reason });
  const minor = runtime === "python" ? await pythonMinor(runCommand) : undefined;
  if (runtime === "python" && minor === undefined) throw unavailable("apt knows no python3");
  const roots = minor === undefined ? [] : [`python3.${minor}-minimal`, `libpython3.${minor}-stdlib`];
  const names = await packageClosure(runCommand, architecture, [...LIBRARIES, ...roots]);
  const packages = names === undefined ? undefined : await resolveDebianPackages(runCommand, architecture, names);
  if (packages === undefined) throw unavailable("apt does not know its packages");
  const python = minor === undefined ? undefined : { minor, glibcMinor: glibcMinorOf(packages) };
  const osRelease = await readOsRelease();
  const key = digestOf([LAYOUT, runtime, osRelease, identityOf(packages)].join("\n"));
  const directory = join(o.cacheDirectory, "bases", hexOf(key));
  const cached = await readCachedBase(directory);
  if (cached !== undefined) return { base: cached, directory, python };
  const libraries = await librariesFromDebian(packages, osRelease, {
    runCommand,
    cacheDirectory: o.cacheDirectory,
    log: o.log,
    runtime: runtime === "python" ? `python 3.${minor}` : "shared libraries",
    isWanted: wantedFor(minor),
  });
  const entries = withCertificates(libraries.entries);
  const base = await writeCachedBase(directory, withDirectories([...skeleton(osRelease), ...entries]), {
    description: libraries.description,
    architecture,
    components: libraries.components.map(plainComponent),
    materials: libraries.materials.map((material) => ({ ...material, digest: { ...material.digest } })),
  });
  return { base, directory, python };
}

/** Debian's default Python. */
async function pythonMinor(runCommand: RunCommand): Promise<number | undefined> {
  const options = { maxOutputBytes: 1024 * 1024, timeoutMs: 60_000 };
  const args = ["show", "--no-all-versions", "python3"];
  const result = await runCommand("apt-cache", args, options).catch(() => undefined);
  if (result === undefined || result.code !== 0) return undefined;
  const match = /^Depends:.*\bpython3\.([0-9]{1,2})\b/m.exec(Buffer.from(result.stdout).toString("utf8"));
  return match === null ? undefined : Number(match[1]);
}

function glibcMinorOf(packages: readonly DebianPackage[]): number {
  const match = /^2\.([0-9]{1,3})/.exec(packages.find(({ name }) => name === "libc6")?.version ?? "");
  return match === null ? 17 : Number(match[1]);
}

/** No maintainer script runs: what is taken works without one. Not tests, not the tools that compile, install or draw. */
function wantedFor(minor: number | undefined): (path: string) => boolean {
  const zones = /^usr\/share\/zoneinfo\/(?!right\/|posix\/)/;
  const authorities = /^usr\/share\/ca-certificates\/.+\.crt$/;
  if (minor === undefined) return (path) => zones.test(path) || authorities.test(path);
  const library = `usr/lib/python3.${minor}/`;
  const left = new RegExp(`^${library}(?:test|idlelib|tkinter|turtledemo|lib2to3|ensurepip|distutils/command)/`);
  return (path) =>
    zones.test(path) ||
    authorities.test(path) ||
    path === `usr/bin/python3.${minor}` ||
    (path.startsWith(library) && !left.test(path));
}

/** What ca-certificates' own script would do (supply-chain, builder recipe): one file of all authorities, in order. */
function withCertificates(entries: readonly TarEntry[]): TarEntry[] {
  const isAuthority = ({ path }: TarEntry): boolean => path.startsWith("usr/share/ca-certificates/");
  const bodies = entries
    .filter(isAuthority)
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap((entry) => (entry.type === "file" && "body" in entry ? [entry.body, Buffer.from("\n")] : []));
  const rest = entries.filter((entry) => !isAuthority(entry));
  return [...rest, { type: "file", path: CERTIFICATES, body: Buffer.concat(bodies) }];
}
