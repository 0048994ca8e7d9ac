// Copies artifacts with their evidence between the embedded registry and others.
import type { JsonObject, Log } from "@pratique/core";
import type { PackResult, Principal, PushDirectoryRequest, TransferRequest, TransferResult } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import {
  copyArtifact,
  type CopyOptions,
  formatReference,
  parseReference,
  RegistrySession,
  remoteRepository,
  type ContentStore,
  type Descriptor,
  type Reference,
  type Repository,
} from "@pratique/oci";
import { daemonErrors } from "../errors.ts";
import { repositoryResource, type Artifacts } from "./artifacts.ts";
import type { Deltas, Saved } from "./deltas.ts";
import type { SbomDesk } from "../sboms/sbom-desk.ts";
import { isOwnRegistry } from "./find-artifact.ts";
import type { RegistryClient } from "./registry-client.ts";

/** Who watches a transfer, and may end it. */
export type Watcher = Pick<CopyOptions, "onProgress" | "signal">;

export class Transfers {
  readonly #artifacts: Artifacts;
  readonly #store: ContentStore;
  readonly #guard: Guard;
  readonly #registry: string;
  readonly #log: Log;
  readonly #client: RegistryClient | undefined;
  readonly #deltas: Deltas | undefined;
  readonly #sboms: Pick<SbomDesk, "ensure"> | undefined;

  constructor(options: {
    artifacts: Artifacts;
    store: ContentStore;
    guard: Guard;
    registry: string;
    log: Log;
    client?: RegistryClient;
    /** Without it every layer is moved whole. */
    deltas?: Deltas;
    /** Makes a bill of materials for what is pulled without one. */
    sboms?: Pick<SbomDesk, "ensure">;
  }) {
    this.#sboms = options.sboms;
    this.#deltas = options.deltas;
    this.#client = options.client;
    this.#artifacts = options.artifacts;
    this.#store = options.store;
    this.#guard = options.guard;
    this.#registry = options.registry;
    this.#log = options.log;
  }

  /** Embedded registry → another one. */
  async push(principal: Principal, request: TransferRequest, watcher: Watcher = {}): Promise<TransferResult> {
    const found = await this.#artifacts.find(request.reference);
    if (request.target === undefined) throw daemonErrors("control.bad-request", { problem: "target is missing" });
    const target = this.#foreign(request.target);
    const outcome = await this.#guard.perform(
      {
        principal,
        action: "artifact:push",
        resource: repositoryResource(target.repository, target.registry),
        details: { digest: found.descriptor.digest },
      },
      async (_decision, note) => {
        const session = this.#session(principal, target, request, watcher.signal);
        const remote = remoteRepository(target, { session });
        const { digest } = found.descriptor;
        note(savedBy(await this.#deltas?.rebuildThere(session, found.repository, remote, digest)));
        const tag = target.tag ?? "latest";
        return copyArtifact(found.repository, remote, digest, { ...watcher, tag, referrers: true });
      },
    );
    const copied = allowedOrThrow(outcome);
    return { reference: found.reference, digest: copied.digest, target: formatReference(target) };
  }

  /** Directory → another registry, with SBOM and provenance, and without a copy here. */
  async pushDirectory(
    principal: Principal,
    request: PushDirectoryRequest,
    { onBytes, signal }: { onBytes?: (bytes: number) => void; signal?: AbortSignal } = {},
  ): Promise<PackResult> {
    const reference = this.#foreign(request.target);
    const repository = this.#remote(principal, reference, request, signal);
    const { directory, kind, model } = request;
    return this.#artifacts.pack(
      principal,
      { directory, ...(kind === undefined ? {} : { kind }), ...(model === undefined ? {} : { model }) },
      { elsewhere: { reference, repository }, ...(onBytes === undefined ? {} : { onBytes }) },
    );
  }

  /** Another registry → the embedded one. */
  async pull(principal: Principal, request: TransferRequest, watcher: Watcher = {}): Promise<TransferResult> {
    const source = this.#foreign(request.reference);
    const target = parseReference(request.target ?? `${source.repository}:${source.tag ?? "latest"}`, {
      registry: this.#registry,
      tag: "latest",
    });
    if (!isOwnRegistry(target.registry, this.#registry))
      throw daemonErrors("reference.not-local", { reference: request.target ?? "" });
    // It reads there and writes here: an agent that may pull must not replace what others run.
    const outcome = await this.#guard.perform(
      {
        principal,
        action: "artifact:push",
        resource: repositoryResource(target.repository, this.#registry),
        details: { from: formatReference(source) },
      },
      async (_decision, note) => {
        const copied = await this.#fetch(principal, request, { source, target, watcher });
        note({ digest: copied.digest });
        return copied;
      },
    );
    const copied = allowedOrThrow(outcome);
    return {
      reference: formatReference(source),
      digest: copied.digest,
      target: formatReference({ ...target, registry: this.#registry }),
    };
  }

  async #fetch(
    principal: Principal,
    request: TransferRequest,
    { source, target, watcher }: { source: Reference; target: Reference; watcher: Watcher },
  ): Promise<Descriptor> {
    const outcome = await this.#guard.perform(
      {
        principal,
        action: "artifact:pull",
        resource: repositoryResource(source.repository, source.registry),
        details: { target: target.repository },
      },
      async (_decision, note) => {
        const remote = this.#remote(principal, source, request, watcher.signal);
        const repository = this.#store.repository(target.repository);
        const ref = source.digest ?? source.tag ?? "latest";
        note(savedBy(await this.#deltas?.rebuildHere(principal, remote, repository, ref, watcher.signal)));
        const tag = target.tag ?? "latest";
        const descriptor = await copyArtifact(remote, repository, ref, { ...watcher, tag, referrers: true });
        const sbom = await this.#sboms?.ensure(repository, descriptor);
        note({ digest: descriptor.digest, ...(sbom === undefined ? {} : { sbom: sbom.digest }) });
        return descriptor;
      },
    );
    return allowedOrThrow(outcome);
  }

  /** A repository of another registry, reached with what whoever asks may use. */
  repository(
    principal: Principal,
    reference: string,
    signal: AbortSignal | undefined,
    request: Pick<TransferRequest, "credentials" | "insecure"> = {},
  ): Repository {
    return this.#remote(principal, this.#foreign(reference), request, signal);
  }

  #foreign(text: string): Reference {
    const parsed = parseReference(text, { registry: this.#registry, tag: "latest" });
    if (isOwnRegistry(parsed.registry, this.#registry)) {
      throw daemonErrors("transfer.own-registry", { reference: text });
    }
    return parsed;
  }

  #remote(
    principal: Principal,
    reference: Reference,
    request: Pick<TransferRequest, "credentials" | "insecure">,
    signal: AbortSignal | undefined,
  ): Repository {
    return remoteRepository(reference, { session: this.#session(principal, reference, request, signal) });
  }

  /** Connections, tokens and credentials of one registry. */
  #session(
    principal: Principal,
    { registry }: Reference,
    request: Pick<TransferRequest, "credentials" | "insecure">,
    signal: AbortSignal | undefined,
  ): RegistrySession {
    return new RegistrySession(registry, {
      ...(this.#client === undefined
        ? {}
        : { transport: this.#client.transport, uploads: this.#client.uploads, tokens: this.#client.tokens }),
      // The logins of this machine are its owner's: nobody else acts with them.
      ...(this.#client !== undefined && isOwner(principal) ? { credentials: this.#client.credentials } : {}),
      ...(request.credentials === undefined ? {} : { credentials: request.credentials }),
      ...(request.insecure === undefined ? {} : { insecure: request.insecure }),
      log: this.#log,
      signal,
    });
  }
}

function isOwner(principal: Principal): boolean {
  return principal.type === "User" && principal.groups.includes("owner");
}

/** What a record says of layers that did not have to be sent. */
function savedBy(saved: Saved | undefined): JsonObject {
  if (saved === undefined || saved.layers === 0) return {};
  return { rebuilt: { layers: saved.layers, layerBytes: saved.layerBytes, deltaBytes: saved.deltaBytes } };
}
