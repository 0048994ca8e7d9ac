// A directory with a Node server: its entry point and all it imports become one file.
import { digestOf, hexOf } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import type { Material } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { directoryHash } from "../directory-hash.ts";
import { digestOfFile } from "../file-layer.ts";
import { listFiles, readSmallFile, type SourceFile } from "../source-files.ts";
import { bundleServer, type ServerBundle } from "./bundle-server.ts";
import { textFile } from "./canonical-files.ts";
import type { FoundServer } from "./canonical-server.ts";
import { makeServerJson, nameOfPackage } from "./made-server-json.ts";
import { npmPurl } from "./npm-package.ts";
import { entryOf, readPackageJson, type PackageJson } from "./package-json.ts";
import type { BundleEntry } from "./raw-bundle.ts";
import { LIMIT_SERVER_JSON, parseServerJson, plainArguments, type ServerJson } from "./server-json.schema.ts";
import { transportOf } from "./server-transport.ts";

export const DIRECTORY_LIMITS = {
  kind: "mcp-server",
  maxFiles: 10_000,
  maxBytes: 256 * 1024 * 1024,
  exclude: new Set(["node_modules", "coverage", ".venv", "venv", "__pycache__"]),
} as const;

const APP_ENTRY = "app/server.mjs";

export interface ServerDirectory {
  readonly directory: string;
  readonly files: readonly SourceFile[];
  readonly server: ServerJson;
  readonly serverJson: Buffer;
}

/** server.json of a directory, or one made of what its package says. @throws `mcp-server.invalid` */
export async function serverJsonOf(
  files: readonly SourceFile[],
  made: () => string | undefined,
  directory: string,
): Promise<{ server: ServerJson; serverJson: Buffer }> {
  const file = files.find(({ path }) => path === "server.json");
  if (file !== undefined) {
    const serverJson = await readSmallFile(file, LIMIT_SERVER_JSON);
    return { server: parseServerJson(serverJson), serverJson };
  }
  const text = made();
  if (text === undefined) throw packagingErrors("artifact.unknown-kind", { directory });
  const serverJson = Buffer.from(text);
  return { server: parseServerJson(serverJson), serverJson };
}

export interface NodeDirectory extends ServerDirectory {
  readonly manifest: PackageJson;
  readonly entry: SourceFile;
}

/** @throws `mcp-server.invalid`, `mcp-server.no-entry` */
export async function readNodeDirectory(directory: string): Promise<NodeDirectory> {
  const files = await listFiles(directory, DIRECTORY_LIMITS);
  const manifest = await readPackageJson(files);
  const described = await serverJsonOf(files, () => serverJsonOfPackage(manifest), directory);
  return { directory, files, ...described, manifest, entry: entryOf(directory, files, manifest.entry) };
}

/** What package.json says, when it says enough. */
export function serverJsonOfPackage(manifest: PackageJson): string | undefined {
  const { name, version, mcpName, description } = manifest;
  if (name === undefined) return undefined;
  const exact = version ?? "0.1.0";
  return makeServerJson({
    name: mcpName ?? nameOfPackage("org.npmjs", name),
    description,
    version: exact,
    package: { registryType: "npm", identifier: name, version: exact },
  });
}

/** Bundles it. Nothing of it is run. @throws `mcp-server.bundle-failed` */
export async function serverOfNodeDirectory(
  source: NodeDirectory,
  bundleEntry: BundleEntry | undefined,
): Promise<FoundServer> {
  const bundle = await bundleServer(source.directory, source.entry.path, bundleEntry);
  const { server, manifest, serverJson } = source;
  const [first] = server.packages;
  return {
    server: {
      kind: "mcp-server",
      name: server.name,
      version: server.version,
      description: server.description,
      files: [textFile("app/server.json", "description", serverJson), textFile(APP_ENTRY, "entry", bundle.code)],
      metadata: {
        runtime: "node",
        args: [`/${APP_ENTRY}`, ...plainArguments(first?.packageArguments)],
        env: server.env,
        transport: transportOf(first),
        serverJson: serverJson.toString("utf8"),
        ...(manifest.licence === undefined ? {} : { licence: manifest.licence }),
      },
      annotations: {},
      foreign: {},
    },
    components: bundledComponents(bundle),
    materials: [
      ...(await sourceMaterials(source, new Set([...bundle.sources, "package.json"]))),
      ...(await bundledMaterials(bundle)),
    ],
    layout: "bundle",
    notes: [],
    close: async () => undefined,
  };
}

function bundledComponents(bundle: ServerBundle): SbomComponent[] {
  return bundle.packages.map(({ name, version, licence }) => ({
    type: "library",
    name,
    version,
    purl: npmPurl(name, version),
    ...(licence === undefined ? {} : { licences: [licence] }),
  }));
}

/** What of each package went in, by the digest of just those files (in-toto DigestSet, `dirHash`). */
async function bundledMaterials({ packages }: ServerBundle): Promise<Material[]> {
  return await Promise.all(
    packages.map(async ({ name, version, directory, files }) => ({
      uri: npmPurl(name, version),
      digest: { dirHash: await directoryHash(directory, files) },
      name: `${name} ${version}`,
    })),
  );
}

/** The server's own files that went into the image. */
export async function sourceMaterials(source: ServerDirectory, used: ReadonlySet<string>): Promise<Material[]> {
  const materials: Material[] = [];
  for (const file of source.files) {
    if (file.path === "server.json") {
      const sha256 = hexOf(digestOf(source.serverJson));
      materials.push({ uri: "file:server.json", digest: { sha256 }, name: file.path });
    } else if (used.has(file.path)) {
      const sha256 = hexOf(await digestOfFile(file));
      materials.push({ uri: `file:${encodeURI(file.path)}`, digest: { sha256 }, name: file.path });
    }
  }
  return materials;
}
