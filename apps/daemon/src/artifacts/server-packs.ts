// MCP servers packed from registries, bundles, files and images into the embedded registry.
import { randomUUID } from "node:crypto";
import { isAbsolute } from "node:path";
import type { Config, PackResult, PackServerRequest, Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { parseReference, type ContentStore, type Repository } from "@pratique/oci";
import {
  openImageSource,
  packServer,
  packagingErrors,
  parseServerSource,
  type PackServerTools,
  type RunCommand,
} from "@pratique/packaging";
import type { Artifacts } from "./artifacts.ts";
import { isOwnRegistry } from "./find-artifact.ts";

export interface ServerPacksOptions {
  readonly artifacts: Artifacts;
  readonly store: ContentStore;
  readonly guard: Guard;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly config: Config["packaging"];
  readonly cacheDirectory: string;
  readonly runCommand: RunCommand;
  readonly bundle: NonNullable<PackServerTools["bundle"]>;
  /** OCI name. */
  readonly architecture: string;
  /** A repository of another registry, for who asks. */
  readonly remote: (principal: Principal, reference: string, signal: AbortSignal | undefined) => Repository;
}

export interface PackServerWatcher {
  readonly onStep?: (text: string) => void;
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal;
}

export class ServerPacks {
  readonly #options: ServerPacksOptions;

  constructor(options: ServerPacksOptions) {
    this.#options = options;
  }

  /** Packs a server and attaches SBOM and provenance; nothing of it is run. */
  async pack(principal: Principal, request: PackServerRequest, watcher: PackServerWatcher = {}): Promise<PackResult> {
    const { artifacts } = this.#options;
    const source = parseServerSource(request.source);
    const { onBytes, onStep } = watcher;
    const bytes = onBytes === undefined ? {} : { onBytes };
    if (source.type === "directory") {
      const { reference } = request;
      const named = reference === undefined ? {} : { reference };
      return await artifacts.pack(principal, { directory: source.path, kind: "mcp-server", ...named }, bytes);
    }
    const tools = this.#tools(principal, watcher.signal);
    const pack = (options: Parameters<typeof packServer>[2]): ReturnType<typeof packServer> =>
      packServer(source, { ...tools, onStep }, options);
    return await artifacts.packOther(principal, { name: request.source, pack }, request.reference, bytes);
  }

  #tools(principal: Principal, signal: AbortSignal | undefined): PackServerTools {
    const { config, runCommand, cacheDirectory, architecture, bundle } = this.#options;
    return {
      runCommand,
      cacheDirectory,
      architecture,
      bundle,
      npmRegistry: config.npmRegistry,
      mcpRegistry: config.mcpRegistry,
      python: pythonIndexOf(config),
      openImage: (reference) => this.#openImage(principal, reference, signal),
    };
  }

  async #openImage(
    principal: Principal,
    text: string,
    signal: AbortSignal | undefined,
  ): ReturnType<PackServerTools["openImage"]> {
    const { store, registry, guard, artifacts, remote } = this.#options;
    const close = async (): Promise<void> => undefined;
    if (isAbsolute(text)) {
      const staging = store.repository(`import/${randomUUID()}`);
      const source = await openImageSource(text, staging);
      const digests = new Set(source.images.map(({ descriptor }) => descriptor.digest));
      const [ref] = digests;
      if (ref !== undefined && digests.size === 1) {
        return { repository: source.repository, ref, close: () => source.close() };
      }
      await source.close();
      const reason = `it holds ${digests.size} images: pratique import it, then pack one of them`;
      throw packagingErrors("mcp-server.source-invalid", { source: text, reason });
    }
    const parsed = parseReference(text, { registry, tag: "latest" });
    if (isOwnRegistry(parsed.registry, registry)) {
      const found = await artifacts.find(text);
      const resource = await artifacts.resource(found);
      allowedOrThrow(await guard.perform({ principal, action: "artifact:pull", resource }, async () => undefined));
      return { repository: found.repository, ref: found.descriptor.digest, close };
    }
    return { repository: remote(principal, text, signal), ref: parsed.digest ?? parsed.tag ?? "latest", close };
  }
}

/** Where wheels come from, as configured. */
export function pythonIndexOf(config: Config["packaging"]): NonNullable<PackServerTools["python"]> {
  return { indexUrl: config.pythonIndex, findLinks: config.wheels, noIndex: config.offline };
}
