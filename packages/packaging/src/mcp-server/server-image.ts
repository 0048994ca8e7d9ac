// A server → a runnable image, made without a container engine: a base, a layer of dependencies, a layer of the app.
import { basename } from "node:path";
import type { Log } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor, type LocalRepository } from "@pratique/oci";
import { gzipStream } from "../archive/gzip.ts";
import { writeTar, type TarEntry } from "../archive/tar-writer.ts";
import type { ArtifactPlan } from "../artifact-plan.ts";
import type { CanonicalFile } from "../canonical/canonical-artifact.ts";
import { packagingErrors } from "../errors.ts";
import type { BaseImage, PreparedBase } from "./base-image.ts";
import type { CanonicalServer, FoundServer, Runtime, ServerRole } from "./canonical-server.ts";
import { LAYER_ANNOTATION, SERVER_JSON_LABEL, SERVER_NAME_LABEL, TRANSPORT_LABEL } from "./server-labels.ts";
import { NONROOT, withDirectories } from "./root-file-system.ts";

/** A base for each runtime; one that is missing makes its servers unpackable. */
export type ServerBases = Readonly<Partial<Record<Runtime, BaseImage>>>;

export interface ServerImageOptions {
  readonly repository: LocalRepository;
  readonly bases: ServerBases;
  readonly cacheDirectory: string;
  readonly log: Log;
}

/** The base that a server stands on, being prepared while its files are read. @throws `mcp-server.no-base` */
export function baseFor(runtime: Runtime, o: ServerImageOptions): Promise<PreparedBase> {
  const base = o.bases[runtime];
  if (base === undefined) throw packagingErrors("mcp-server.no-base", { runtime });
  const prepared = base.prepare(o);
  // When reading fails, that is the error to tell; the base is still made, for the next time.
  prepared.catch(() => undefined);
  return prepared;
}

/** Stores the layers and says what the manifest will be. */
export async function planServerImage(
  found: FoundServer,
  base: PreparedBase,
  repository: LocalRepository,
): Promise<ArtifactPlan> {
  const { server } = found;
  const { metadata } = server;
  const layers: StoredLayer[] = [];
  const dependencies = server.files.filter(({ role }) => role === "dependency");
  const app = server.files.filter(({ role }) => role !== "dependency");
  if (dependencies.length > 0) layers.push(await storeLayer(repository, dependencies, "dependencies"));
  layers.push(await storeLayer(repository, app, "app"));
  const name = server.name ?? "server";
  return {
    kind: "mcp-server",
    name: basename(name),
    version: server.version ?? "0.0.0",
    description: server.description,
    licences: metadata.licence === undefined ? [] : [metadata.licence],
    artifactType: undefined,
    configMediaType: MEDIA_TYPES.imageConfig,
    config: (created) => JSON.stringify(imageConfig(server, base, layers, created)),
    layers: [...base.layers.map(({ descriptor }) => descriptor), ...layers.map(({ descriptor }) => descriptor)],
    annotations: {
      ...server.annotations,
      [SERVER_NAME_LABEL]: name,
      [TRANSPORT_LABEL]: metadata.transport.type,
      "dev.pratique.base": base.description,
    },
    components: [...found.components, ...base.components],
    materials: [...found.materials, ...base.materials],
    buildType: "https://pratique.dev/build-types/pack/mcp-server/v1",
    notes: found.notes,
  };
}

interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly part: string;
}

async function storeLayer(
  repository: LocalRepository,
  files: readonly CanonicalFile<ServerRole>[],
  part: string,
): Promise<StoredLayer> {
  const entries = files.map(({ path, mode, size, open }): TarEntry => ({
    type: "file",
    path,
    mode: mode & 0o777,
    size,
    open: () => open(),
  }));
  const stream = gzipStream(writeTar(withDirectories(entries)), 6);
  const stored = await repository.putBlob(stream.compressed);
  const annotations = { [LAYER_ANNOTATION]: part };
  return { descriptor: { mediaType: MEDIA_TYPES.layerTarGzip, ...stored, annotations }, diffId: stream.diffId(), part };
}

/** Fixed for every runtime: nothing is written beside the program, since the root may be read-only. */
const RUNTIME_ENV: Readonly<Record<Runtime, Readonly<Record<string, string>>>> = {
  node: { NODE_ENV: "production" },
  python: { PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" },
  native: {},
};

function imageConfig(
  server: CanonicalServer,
  base: PreparedBase,
  layers: readonly StoredLayer[],
  created: string,
): object {
  const { metadata } = server;
  const name = server.name ?? "server";
  const env = new Map(base.env.map((entry) => [entry.slice(0, entry.indexOf("=")), entry]));
  const own = { ...RUNTIME_ENV[metadata.runtime], ...metadata.env };
  for (const [key, value] of Object.entries(own)) env.set(key, `${key}=${value}`);
  const { transport } = metadata;
  const port = transport.type === "stdio" ? undefined : transport.port;
  return {
    created,
    architecture: base.architecture,
    os: "linux",
    config: {
      User: `${NONROOT}:${NONROOT}`,
      ...(port === undefined ? {} : { ExposedPorts: { [`${port}/tcp`]: {} } }),
      Env: [...env.values()],
      Entrypoint: [...(metadata.runtime === "native" ? [] : [base.runtime]), ...metadata.args],
      WorkingDir: "/app",
      Labels: {
        [SERVER_NAME_LABEL]: name,
        [SERVER_JSON_LABEL]: metadata.serverJson,
        [TRANSPORT_LABEL]: transport.type,
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": server.version ?? "0.0.0",
        ...(server.description === undefined ? {} : { "org.opencontainers.image.description": server.description }),
        ...(metadata.licence === undefined ? {} : { "org.opencontainers.image.licenses": metadata.licence }),
      },
    },
    rootfs: { type: "layers", diff_ids: [...base.layers.map(({ diffId }) => diffId), ...layers.map((l) => l.diffId)] },
    history: [
      ...base.layers.map(() => ({ created, created_by: `base: ${base.description}` })),
      ...layers.map(({ part }) => ({ created, created_by: `pratique pack: ${part}` })),
    ],
  };
}
