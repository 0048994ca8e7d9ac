// Moves layers as deltas: makes them, rebuilds what is pulled, and lets another registry rebuild what is pushed.
import type { DeltaRequest, DeltaResult, Principal } from "@pratique/contracts";
import { describeError, type Digest, type Log } from "@pratique/core";
import {
  findDeltas,
  publishDelta,
  rebuildLayer,
  rebuildRemotely,
  rebuildsLayers,
  type LayerDelta,
} from "@pratique/delta";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import {
  parseManifest,
  type ContentStore,
  type LocalRepository,
  type Manifest,
  type RegistrySession,
  type Repository,
} from "@pratique/oci";
import { repositoryResource, type Artifacts } from "./artifacts.ts";

export interface DeltasOptions {
  readonly artifacts: Artifacts;
  readonly store: ContentStore;
  readonly guard: Guard;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly log: Log;
}

/** What deltas saved on one way. */
export interface Saved {
  readonly layers: number;
  /** Bytes of the layers, which did not have to be sent. */
  readonly layerBytes: number;
  /** Bytes of the deltas, which had. */
  readonly deltaBytes: number;
}

/** Manifests of an index that are looked at. */
const PLATFORMS_LIMIT = 16;
const NOTHING: Saved = { layers: 0, layerBytes: 0, deltaBytes: 0 };

export class Deltas {
  readonly #options: DeltasOptions;

  constructor(options: DeltasOptions) {
    this.#options = options;
  }

  /** Hangs a delta against `base` on an artifact: two acts, a pull of the base and a push to the artifact's repository. */
  async publish(principal: Principal, request: DeltaRequest, signal: AbortSignal): Promise<DeltaResult> {
    const { artifacts, guard, registry } = this.#options;
    const [subject, base] = await Promise.all([artifacts.find(request.reference), artifacts.find(request.base)]);
    const manifest = await required(subject.repository, subject.descriptor.digest);
    const read = await guard.perform(
      {
        principal,
        action: "artifact:pull",
        resource: await artifacts.resource(base),
        details: { deltaOf: subject.reference },
      },
      async () => required(base.repository, base.descriptor.digest),
    );
    const baseManifest = allowedOrThrow(read);
    const written = await guard.perform(
      {
        principal,
        action: "artifact:push",
        resource: repositoryResource(subject.repository.name, registry),
        details: { digest: subject.descriptor.digest, base: base.descriptor.digest },
      },
      async (_decision, note) => {
        const from = { repository: base.repository, manifest: baseManifest };
        const published = await publishDelta({ repository: subject.repository, subject: manifest, base: from, signal });
        note({ delta: published.descriptor.digest });
        return published;
      },
    );
    const { descriptor, layers } = allowedOrThrow(written);
    return {
      reference: subject.reference,
      base: base.reference,
      digest: descriptor.digest,
      layers: layers.map((layer) => ({
        target: layer.target,
        base: layer.base,
        targetBytes: layer.targetBytes,
        deltaBytes: layer.delta.size,
      })),
    };
  }

  /**
   * Before a pull: rebuilds the layers that a delta and a base at hand make. What cannot be rebuilt is fetched whole
   * by the pull itself, so nothing here fails it. Part of the act that the caller had allowed.
   */
  async rebuildHere(
    principal: Principal,
    from: Repository,
    to: LocalRepository,
    ref: string,
    signal?: AbortSignal,
  ): Promise<Saved> {
    let saved = NOTHING;
    for (const layer of await this.#deltasOf(from, ref)) {
      signal?.throwIfAborted();
      try {
        if ((await to.blobSize(layer.target)) !== undefined) continue;
        const holder = await this.#holderOf(principal, to, layer.base);
        if (holder === undefined) continue;
        const { digest, size } = layer.delta;
        await to.putBlob(await from.openBlob(digest), { digest, size });
        const base = await holder.localFile(layer.base);
        try {
          await rebuildLayer(to, layer, base.path);
        } finally {
          base.release();
        }
        saved = add(saved, layer);
      } catch (error) {
        signal?.throwIfAborted();
        this.#options.log.warn("a layer could not be rebuilt; it is fetched whole", {
          digest: layer.target,
          ...describeError(error),
        });
      }
    }
    return saved;
  }

  /** Before a push: the same, done by a registry of our kind. */
  async rebuildThere(session: RegistrySession, from: LocalRepository, to: Repository, ref: string): Promise<Saved> {
    let saved = NOTHING;
    const layers = await this.#deltasOf(from, ref);
    try {
      if (layers.length === 0 || !(await rebuildsLayers(session))) return saved;
      for (const layer of layers) {
        if ((await to.blobSize(layer.target)) !== undefined || (await to.blobSize(layer.base)) === undefined) continue;
        const { digest, size } = layer.delta;
        await to.putBlob(await from.openBlob(digest), { digest, size });
        await rebuildRemotely(session, to.name, layer);
        saved = add(saved, layer);
      }
    } catch (error) {
      session.signal?.throwIfAborted();
      this.#options.log.warn("the registry could not rebuild a layer; it is sent whole", describeError(error));
    }
    return saved;
  }

  /** Of an index, those of its members as well. What cannot be looked up has none. */
  async #deltasOf(repository: Repository, ref: string): Promise<LayerDelta[]> {
    try {
      const subject = await repository.manifest(ref);
      if (subject === undefined) return [];
      const found = await findDeltas(repository, subject);
      const parsed = parseManifest(subject.bytes, subject.mediaType);
      if (parsed.type !== "index") return found;
      for (const { digest } of parsed.manifest.manifests.slice(0, PLATFORMS_LIMIT)) {
        const child = await repository.manifest(digest);
        if (child !== undefined) found.push(...(await findDeltas(repository, child)));
      }
      return found;
    } catch (error) {
      this.#options.log.warn("deltas cannot be looked up", describeError(error));
      return [];
    }
  }

  /** A repository that has the base and that the principal may pull from. */
  async #holderOf(principal: Principal, to: LocalRepository, base: Digest): Promise<LocalRepository | undefined> {
    const { store, guard, registry } = this.#options;
    if ((await to.blobSize(base)) !== undefined) return to;
    for (const name of await store.holders(base)) {
      const resource = repositoryResource(name, registry);
      if (guard.decide({ principal, action: "artifact:pull", resource }).allow) return store.repository(name);
    }
    return undefined;
  }
}

function add(saved: Saved, layer: LayerDelta): Saved {
  return {
    layers: saved.layers + 1,
    layerBytes: saved.layerBytes + layer.targetBytes,
    deltaBytes: saved.deltaBytes + layer.delta.size,
  };
}

async function required(repository: LocalRepository, digest: Digest): Promise<Manifest> {
  const manifest = await repository.manifest(digest);
  if (manifest === undefined) throw new Error(`${repository.name} lost ${digest}`);
  return manifest;
}
