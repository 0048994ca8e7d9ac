// What can be done with an artifact: pack, prove, sign, verify, clear, look at. Each act passes guard.
import { join } from "node:path";
import type { Clock, Log } from "@pratique/core";
import type {
  ArtifactDetails,
  ArtifactSummary,
  Evidence,
  PackRequest,
  PackResult,
  Principal,
} from "@pratique/contracts";
import { parseAgentFile } from "@pratique/agents";
import { attest, provenanceOf, type SigningKey } from "@pratique/evidence";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import {
  DigestCache,
  fileTarget,
  parseReference,
  type ContentStore,
  type Descriptor,
  type LocalRepository,
  type Reference,
  type Repository,
} from "@pratique/oci";
import {
  artifactDocument,
  type ArtifactDocumentOptions,
  packDirectory,
  readArtifact,
  type Packed,
  type PackSourceOptions,
} from "@pratique/packaging";
import { CYCLONEDX_PREDICATE_TYPE, writeSbom } from "@pratique/sbom";
import type { Clearances } from "../clearance/clearances.ts";
import { daemonErrors } from "../errors.ts";
import { StandingAttestations } from "./standing-attestations.ts";
import { findArtifact, isOwnRegistry, type Found } from "./find-artifact.ts";

export interface ArtifactsOptions {
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly clearances: Clearances;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly builder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
  /** What packaging needs of this machine: cache, node binary, commands. */
  readonly packing: Pick<
    PackSourceOptions,
    "cacheDirectory" | "base" | "bases" | "bundle" | "runCommand" | "python" | "createdAt"
  >;
}

/** Of what is no directory: what is packed, and how. */
export interface OtherSource {
  readonly name: string;
  pack(options: PackSourceOptions): Promise<Packed & { readonly attached?: unknown }>;
}

/** What is said of something that was made here. */
export interface Build extends Pick<Packed, "buildType" | "externalParameters" | "materials"> {
  readonly startedOn: Date;
  /** What whoever made it knows of it; without them it is looked into. */
  readonly components?: Packed["components"];
  readonly documentOf?: ArtifactDocumentOptions["documentOf"];
  readonly signal?: AbortSignal | undefined;
}

interface Attached {
  readonly sbom: string;
  readonly provenance: string;
}

export interface PackOptions {
  /** Another registry, which the artifact goes to without lying here. */
  readonly elsewhere?: { readonly reference: Reference; readonly repository: Repository };
  /** Told of bytes of files as they are stored. */
  readonly onBytes?: (bytes: number) => void;
  /** Ends it; what was stored and has no tag is collected later. */
  readonly signal?: AbortSignal;
}

const SBOM_PREDICATE = CYCLONEDX_PREDICATE_TYPE;
const PROVENANCE_PREDICATE = "https://slsa.dev/provenance/v1";

export class Artifacts {
  readonly #options: ArtifactsOptions;
  readonly #digests: DigestCache;
  readonly #standing: StandingAttestations;

  constructor(options: ArtifactsOptions) {
    this.#options = options;
    this.#standing = new StandingAttestations(options.key, [SBOM_PREDICATE, PROVENANCE_PREDICATE]);
    this.#digests = new DigestCache(join(options.packing.cacheDirectory, "digests"), options.clock);
  }

  find(reference: string): Promise<Found> {
    return findArtifact(this.#options.store, this.#options.registry, reference);
  }

  evidence(found: Found): Promise<Evidence> {
    return this.#options.clearances.evidence(found);
  }

  /** The artifact as Cedar sees it, with its evidence. */
  resource(found: Found): Promise<GuardResource> {
    return this.#options.clearances.resource(found);
  }

  /** Whether it is cleared, and whether that is still so at a later moment. */
  async clearedNow(found: Found): Promise<{ readonly cleared: boolean; isCurrent(): boolean }> {
    const resource = await this.resource(found);
    return { cleared: resource.attributes?.["cleared"] === true, isCurrent: () => resource.isCurrent?.() !== false };
  }

  /** Asks policy again whether it may run; only a denial is recorded. @throws `policy.denied` */
  async requireRunnable(principal: Principal | undefined, found: Found): Promise<void> {
    const { guard } = this.#options;
    const act = { principal, action: "artifact:run", resource: await this.resource(found) } as const;
    if (guard.decide(act).allow) return;
    allowedOrThrow(await guard.perform(act, async () => undefined));
  }

  /** Packs a directory and attaches its SBOM and provenance; the tag appears last. */
  async pack(principal: Principal | undefined, request: PackRequest, options: PackOptions = {}): Promise<PackResult> {
    const { directory, kind, reference, model } = request;
    const pack: OtherSource["pack"] = (packing) =>
      packDirectory({
        directory,
        ...(kind === undefined ? {} : { kind }),
        ...(model === undefined ? {} : { model }),
        ...packing,
      });
    return await this.packOther(principal, { name: directory, pack }, reference, options);
  }

  /** The same for a source of any other form. */
  async packOther(
    principal: Principal | undefined,
    source: OtherSource,
    reference: string | undefined,
    { elsewhere, onBytes, signal }: PackOptions = {},
  ): Promise<PackResult> {
    const tell = (bytes: number): void => {
      signal?.throwIfAborted();
      onBytes?.(bytes);
    };
    const { store, guard, clock, log, packing } = this.#options;
    const registry = elsewhere?.reference.registry ?? this.#options.registry;
    const startedOn = clock.now();
    const named = reference === undefined ? undefined : parseReference(reference, { registry });
    const given = elsewhere?.reference ?? named;
    if (elsewhere === undefined && given !== undefined && !isOwnRegistry(given.registry, registry)) {
      throw daemonErrors(
        "reference.not-local",
        { reference: reference! },
        { hint: "pack into the embedded registry, then `pratique push`" },
      );
    }
    const outcome = await guard.perform(
      {
        principal,
        action: "artifact:push",
        resource: repositoryResource(given?.repository ?? "*", registry),
        details: { directory: source.name },
      },
      async (_decision, note) => {
        let attached: Attached | undefined;
        const packed = await source.pack({
          repository: (name) =>
            fileTarget(
              elsewhere?.repository ?? store.repository(given?.repository ?? name),
              this.#digests,
              tell,
              given?.tag,
            ),
          ...(given?.tag === undefined ? {} : { tag: given.tag }),
          attach: async (repository, packed) => {
            signal?.throwIfAborted();
            // Without a reference the name comes out of the directory: policies on that repository are asked before it is tagged.
            if (given === undefined) await this.#mayPush(principal, repository.name);
            if (elsewhere !== undefined) {
              const [sbom, provenance] = (await this.#standing.find(repository, packed.descriptor)) ?? [];
              if (sbom !== undefined && provenance !== undefined) {
                attached = { sbom, provenance };
                return attached;
              }
            }
            attached = await this.attestBuild(repository, packed.descriptor, {
              ...packed,
              startedOn,
              signal,
            });
            return attached;
          },
          checkAgent: (text, fileName) => void parseAgentFile(text, fileName),
          clock,
          log,
          ...packing,
        });
        note({ digest: packed.descriptor.digest, repository: packed.repository, kind: packed.kind });
        await this.#digests.save();
        return { packed, attached };
      },
    );
    const { packed, attached } = allowedOrThrow(outcome);
    if (attached === undefined) throw new Error("an artifact was packed without its evidence");
    return {
      kind: packed.kind,
      reference: `${registry}/${packed.repository}:${packed.tag}`,
      digest: packed.descriptor.digest,
      sizeBytes: packed.sizeBytes,
      components: packed.components.length,
      ...attached,
      notes: [...packed.notes],
    };
  }

  /** Hangs bill of materials and provenance on what was made here, before a tag lets others see it. */
  async attestBuild(repository: LocalRepository, subject: Descriptor, build: Build): Promise<Attached> {
    const { key, clock, builder, ids } = this.#options;
    const { components, signal, documentOf } = build;
    const document = await artifactDocument(repository, subject.digest, {
      name: repository.name,
      components,
      signal,
      documentOf,
    });
    const bill = { predicateType: SBOM_PREDICATE, predicate: writeSbom(document, "cyclonedx-1.6") };
    const sbom = await attest(repository, subject, bill, key, clock);
    const predicate = provenanceOf({
      builder,
      builderVersion: { node: process.versions.node },
      buildType: build.buildType,
      externalParameters: build.externalParameters,
      materials: build.materials,
      startedOn: build.startedOn.toISOString(),
      finishedOn: clock.now().toISOString(),
      invocationId: ids(),
    });
    const provenance = await attest(
      repository,
      subject,
      { predicateType: PROVENANCE_PREDICATE, predicate },
      key,
      clock,
    );
    return { sbom: sbom.digest, provenance: provenance.digest };
  }

  /** Tags of a repository of the embedded registry. */
  tags(repository: string): Promise<string[]> {
    return this.#options.store.repository(repository).tags();
  }

  async list(principal: Principal | undefined): Promise<ArtifactSummary[]> {
    const { store, guard, registry } = this.#options;
    const outcome = await guard.perform({ principal, action: "admin:read", resource: systemResource }, async () => {
      const summaries: ArtifactSummary[] = [];
      for (const name of await store.repositories()) {
        for (const tag of await store.repository(name).tags()) {
          if (/^sha(256|512)-[0-9a-f]+/.test(tag)) continue;
          const found = await this.find(`${registry}/${name}:${tag}`).catch(() => undefined);
          if (found !== undefined) summaries.push(await this.#summary(found));
        }
      }
      return summaries;
    });
    return allowedOrThrow(outcome);
  }

  async inspect(principal: Principal | undefined, reference: string): Promise<ArtifactDetails> {
    const found = await this.find(reference);
    return await this.#look(principal, found, async () => {
      const info = await readArtifact(found.repository, found.descriptor.digest);
      const referrers = await found.repository.referrers(found.descriptor.digest);
      return {
        reference: found.reference,
        digest: found.descriptor.digest,
        kind: found.kind,
        mediaType: found.descriptor.mediaType,
        name: info.name,
        ...(info.version === undefined ? {} : { version: info.version }),
        ...(info.description === undefined ? {} : { description: info.description }),
        layers: info.layers.map((layer) => ({
          mediaType: layer.mediaType,
          digest: layer.digest,
          sizeBytes: layer.size,
          ...titleOf(layer),
        })),
        annotations: info.annotations,
        referrers: referrers.map((referrer) => ({
          digest: referrer.digest,
          artifactType: referrer.artifactType ?? referrer.mediaType,
          ...predicateOf(referrer),
        })),
        evidence: await this.evidence(found),
      };
    });
  }

  async #mayPush(principal: Principal | undefined, repository: string): Promise<void> {
    const { guard, registry } = this.#options;
    const resource = repositoryResource(repository, registry);
    allowedOrThrow(await guard.perform({ principal, action: "artifact:push", resource }, async () => undefined));
  }

  async #look<T>(principal: Principal | undefined, found: Found, read: () => Promise<T>): Promise<T> {
    return allowedOrThrow(
      await this.#options.guard.perform(
        { principal, action: "artifact:pull", resource: await this.resource(found) },
        read,
      ),
    );
  }

  async #summary(found: Found): Promise<ArtifactSummary> {
    const info = await readArtifact(found.repository, found.descriptor.digest);
    const resource = await this.resource(found);
    return {
      reference: found.reference,
      digest: found.descriptor.digest,
      kind: found.kind,
      sizeBytes: info.layers.reduce((sum, layer) => sum + layer.size, 0),
      ...(info.created === undefined ? {} : { created: info.created }),
      signed: resource.attributes?.["signed"] === true,
      cleared: resource.attributes?.["cleared"] === true,
    };
  }
}

/** The daemon itself, as a resource. */
export const systemResource: GuardResource = { type: "System", id: "daemon" };

/** A repository, as Cedar sees it: the same entity here and at the registry's own door. */
export function repositoryResource(name: string, registry: string): GuardResource {
  return {
    type: "Repository",
    id: `${registry}/${name}`,
    attributes: { name },
    parents: [{ type: "Registry", id: registry, attributes: { host: registry } }],
  };
}

function titleOf(layer: Descriptor): { title?: string } {
  const title = layer.annotations?.["org.opencontainers.image.title"] ?? layer.annotations?.["org.cncf.model.filepath"];
  return title === undefined ? {} : { title };
}

function predicateOf(referrer: Descriptor): { predicateType?: string } {
  const predicateType = referrer.annotations?.["dev.sigstore.bundle.predicateType"];
  return predicateType === undefined ? {} : { predicateType };
}
