// The desk for models: writes them in other formats, and looks at them wherever they are, without their weights.
import type {
  ModelConvertRequest,
  ModelDetails,
  ModelInspectRequest,
  PackResult,
  Principal,
  PushCheckRequest,
  PushCheckResult,
} from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { formatReference, ociErrors, parseReference, type Manifest, type Repository } from "@pratique/oci";
import {
  convertModel,
  describeModel,
  kindOfManifest,
  readArtifact,
  registryWarnings,
  type ModelDescription,
} from "@pratique/packaging";
import { daemonErrors } from "../errors.ts";
import { repositoryResource, type Artifacts } from "./artifacts.ts";
import { isOwnRegistry, type Found } from "./find-artifact.ts";
import type { Transfers } from "./transfers.ts";

export interface ModelDeskOptions {
  readonly artifacts: Artifacts;
  readonly transfers: Transfers;
  readonly guard: Guard;
  /** `localhost:7340`. */
  readonly registry: string;
}

export class ModelDesk {
  readonly #options: ModelDeskOptions;

  constructor(options: ModelDeskOptions) {
    this.#options = options;
  }

  /** Writes a model in another format, with SBOM and provenance; blobs that stay as they are are not copied. */
  async convert(principal: Principal, request: ModelConvertRequest): Promise<PackResult> {
    const { artifacts } = this.#options;
    const { reference, target, format, isDual } = request;
    const found = await artifacts.find(reference);
    requireModel(found.kind, found.reference);
    const manifest = await this.#pulled(principal, found);
    const from = { repository: found.repository, manifest, reference: found.reference };
    const source = {
      name: found.reference,
      pack: (options: Parameters<typeof convertModel>[1]) => convertModel({ from, format, isDual }, options),
    };
    return artifacts.packOther(principal, source, target);
  }

  async #pulled(principal: Principal, found: Found): Promise<Manifest> {
    const { artifacts, guard } = this.#options;
    const act = { principal, action: "artifact:pull", resource: await artifacts.resource(found) } as const;
    const manifest = allowedOrThrow(
      await guard.perform(act, async () => found.repository.manifest(found.descriptor.digest)),
    );
    if (manifest === undefined) throw daemonErrors("artifact.not-found", { reference: found.reference });
    return manifest;
  }

  /** What a model says of itself: at most three requests and one MiB beside its manifest. */
  async inspect(principal: Principal, request: ModelInspectRequest, signal: AbortSignal): Promise<ModelDetails> {
    const { guard, registry, transfers, artifacts } = this.#options;
    const parsed = parseReference(request.reference, { registry, tag: "latest" });
    if (isOwnRegistry(parsed.registry, registry)) {
      const found = await artifacts.find(request.reference);
      const manifest = await this.#pulled(principal, found);
      return this.#described(found.reference, found.repository, manifest);
    }
    const reference = formatReference(parsed);
    const outcome = await guard.perform(
      { principal, action: "artifact:pull", resource: repositoryResource(parsed.repository, parsed.registry) },
      async (_decision, note) => {
        const repository = transfers.repository(principal, request.reference, signal, request);
        const manifest = await repository.manifest(parsed.digest ?? parsed.tag ?? "latest");
        if (manifest === undefined) {
          const repository = `${parsed.registry}/${parsed.repository}`;
          throw ociErrors("manifest.not-found", { repository, reference: parsed.digest ?? parsed.tag ?? "latest" });
        }
        note({ digest: manifest.descriptor.digest });
        return this.#described(reference, repository, manifest);
      },
    );
    return allowedOrThrow(outcome);
  }

  async #described(reference: string, repository: Repository, manifest: Manifest): Promise<ModelDetails> {
    const kind = kindOfManifest(manifest);
    if (kind !== "model") throw daemonErrors("artifact.wrong-kind", { reference, kind, wanted: "model" });
    return detailsOf(reference, manifest.descriptor.digest, await describeModel(repository, manifest));
  }

  /** What the registry of a push will not take. */
  async checkPush(principal: Principal, { reference, target }: PushCheckRequest): Promise<PushCheckResult> {
    const { artifacts, registry, guard } = this.#options;
    const { registry: host } = parseReference(target, { registry, tag: "latest" });
    const found = await artifacts.find(reference);
    const act = { principal, action: "artifact:pull", resource: await artifacts.resource(found) } as const;
    const info = allowedOrThrow(
      await guard.perform(act, () => readArtifact(found.repository, found.descriptor.digest)),
    );
    const files = info.kind === "model" ? (await info.model()).files : [];
    const named = new Map(files.map(({ path, digest }) => [digest, path]));
    // Of an index the layers lie one manifest further on: what its files are says enough.
    const layers =
      info.layers.length > 0
        ? info.layers.map((layer) => ({
            name: named.get(layer.digest) ?? layer.annotations?.["org.opencontainers.image.title"] ?? layer.digest,
            sizeBytes: layer.size,
          }))
        : files.map(({ path, size }) => ({ name: path, sizeBytes: size }));
    const parameters = info.annotations["dev.pratique.model.parameters"];
    return { warnings: registryWarnings(host, { layers, parameters }) };
  }
}

function requireModel(kind: string, reference: string): void {
  // An image may be somebody's ModelCar; reading it says whether it is.
  if (kind !== "model" && kind !== "image")
    throw daemonErrors("artifact.wrong-kind", { reference, kind, wanted: "model" });
}

function detailsOf(reference: string, digest: string, description: ModelDescription): ModelDetails {
  const { format, name, version, metadata, chatTemplate, pickles, isComplete, requests, bytes } = description;
  const { format: weights, licences = [], authors = [], ...rest } = metadata;
  return {
    reference,
    digest,
    format,
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(weights === undefined ? {} : { weights }),
    ...rest,
    licences,
    authors,
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    files: description.files.map(({ path, role, size, digest }) => ({ path, role, sizeBytes: size, digest })),
    pickles: [...pickles],
    isComplete,
    requests,
    readBytes: bytes,
  };
}
