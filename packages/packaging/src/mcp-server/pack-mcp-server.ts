// A directory with a server.json → a runnable image, made without a container engine: a base, and one layer for the app.
import { basename } from "node:path";
import { digestOf, hexOf, type Log } from "@pratique/core";
import type { SbomComponent } from "@pratique/evidence";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import { gzipStream } from "../archive/gzip.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { ArtifactPlan, Material } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import { listFiles, readSmallFile, type SourceFile } from "../source-files.ts";
import type { BaseImage, PreparedBase } from "./base-image.ts";
import { bundleServer, type ServerBundle } from "./bundle-server.ts";
import type { BundleEntry } from "./raw-bundle.ts";
import { npmPurl } from "./npm-package.ts";
import { entryOf, readPackageJson } from "./package-json.ts";
import { NONROOT } from "./root-file-system.ts";
import { LIMIT_SERVER_JSON, parseServerJson, type ServerJson } from "./server-json.schema.ts";

const LIMITS = {
  kind: "mcp-server",
  maxFiles: 10_000,
  maxBytes: 256 * 1024 * 1024,
  exclude: new Set(["node_modules", "dist", "coverage"]),
} as const;

/** The label by which the MCP registry recognises an image as a server's. */
export const SERVER_NAME_LABEL = "io.modelcontextprotocol.server.name";
/** Label of the image's config that holds server.json whole, so that it is read without unpacking a layer. */
export const SERVER_JSON_LABEL = "dev.pratique.server.json";
/** Annotation of the layer that holds the app and not the base. */
export const LAYER_ANNOTATION = "dev.pratique.layer";
const APP_ENTRY = "app/server.mjs";

export interface McpServerSource {
  readonly directory: string;
  readonly server: ServerJson;
  readonly serverJson: Buffer;
  readonly licence: string | undefined;
  readonly entry: SourceFile;
  readonly files: readonly SourceFile[];
}

/** @throws `mcp-server.invalid`, `mcp-server.no-entry` */
export async function readMcpServerSource(directory: string): Promise<McpServerSource> {
  const files = await listFiles(directory, LIMITS);
  const file = files.find(({ path }) => path === "server.json");
  if (file === undefined) throw packagingErrors("artifact.unknown-kind", { directory });
  const serverJson = await readSmallFile(file, LIMIT_SERVER_JSON);
  const server = parseServerJson(serverJson);
  const { licence, entry } = await readPackageJson(files);
  return { directory, server, serverJson, licence, entry: entryOf(directory, files, entry), files };
}

export async function planMcpServer(
  source: McpServerSource,
  o: {
    repository: LocalRepository;
    base: BaseImage | undefined;
    bundle: BundleEntry | undefined;
    cacheDirectory: string;
    log: Log;
  },
): Promise<ArtifactPlan> {
  if (o.base === undefined) throw packagingErrors("mcp-server.no-base");
  const preparing = o.base.prepare(o);
  // When bundling fails, that is the error to tell; the base is still made, for the next time.
  preparing.catch(() => undefined);
  const bundle = await bundleServer(source.directory, source.entry.path, o.bundle);
  const base = await preparing;
  const app = gzipStream(
    writeTar([
      { type: "directory", path: "app" },
      { type: "file", path: APP_ENTRY, body: Buffer.from(bundle.code) },
      { type: "file", path: "app/server.json", body: source.serverJson },
    ]),
    6,
  );
  const stored = await o.repository.putBlob(app.compressed);
  const { server } = source;
  const name = basename(server.name);
  return {
    kind: "mcp-server",
    name,
    version: server.version,
    description: server.description,
    licences: source.licence === undefined ? [] : [source.licence],
    artifactType: undefined,
    configMediaType: MEDIA_TYPES.imageConfig,
    config: (created) => JSON.stringify(imageConfig(source, base, app.diffId(), created)),
    layers: [
      ...base.layers.map(({ descriptor }) => descriptor),
      {
        mediaType: MEDIA_TYPES.layerTarGzip,
        digest: stored.digest,
        size: stored.size,
        annotations: { [LAYER_ANNOTATION]: "app" },
      },
    ],
    annotations: { [SERVER_NAME_LABEL]: server.name, "dev.pratique.base": base.description },
    components: [...bundledComponents(bundle), ...base.components],
    materials: [...(await sourceMaterials(source, bundle)), ...base.materials],
    buildType: "https://pratique.dev/build-types/pack/mcp-server/v1",
  };
}

function imageConfig(source: McpServerSource, base: PreparedBase, appDiffId: string, created: string): object {
  const { server } = source;
  const env = new Map(base.env.map((entry) => [entry.slice(0, entry.indexOf("=")), entry]));
  env.set("NODE_ENV", "NODE_ENV=production");
  for (const [name, value] of Object.entries(server.env)) env.set(name, `${name}=${value}`);
  return {
    created,
    architecture: base.architecture,
    os: "linux",
    config: {
      User: `${NONROOT}:${NONROOT}`,
      Env: [...env.values()],
      Entrypoint: [base.node, `/${APP_ENTRY}`],
      WorkingDir: "/app",
      Labels: {
        [SERVER_NAME_LABEL]: server.name,
        [SERVER_JSON_LABEL]: source.serverJson.toString("utf8"),
        "org.opencontainers.image.title": server.title ?? server.name,
        "org.opencontainers.image.version": server.version,
        "org.opencontainers.image.description": server.description,
        ...(source.licence === undefined ? {} : { "org.opencontainers.image.licenses": source.licence }),
      },
    },
    rootfs: { type: "layers", diff_ids: [...base.layers.map(({ diffId }) => diffId), appDiffId] },
    history: [
      ...base.layers.map(() => ({ created, created_by: `base: ${base.description}` })),
      { created, created_by: "pratique pack: bundled server" },
    ],
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

/** The server's own files that went into the image. */
async function sourceMaterials(source: McpServerSource, bundle: ServerBundle): Promise<Material[]> {
  const used = new Set([...bundle.sources, "package.json"]);
  const materials: Material[] = [];
  for (const file of source.files) {
    if (file.path === "server.json") {
      materials.push({
        uri: "file:server.json",
        digest: { sha256: hexOf(digestOf(source.serverJson)) },
        name: file.path,
      });
    } else if (used.has(file.path)) {
      const sha256 = hexOf(await digestOfFile(file));
      materials.push({ uri: `file:${encodeURI(file.path)}`, digest: { sha256 }, name: file.path });
    }
  }
  return materials;
}
