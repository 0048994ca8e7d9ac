// The history of tags, and the way back.
import type { Principal, RollbackRequest, RollbackResult, TagHistory } from "@pratique/contracts";
import { parseReference, isTag, type ContentStore, type LocalRepository } from "@pratique/oci";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { historyOf, rollbackTarget, type Housekeeping } from "@pratique/registry";
import type { RegistryJournal } from "@pratique/store";
import { repositoryResource } from "../artifacts/artifacts.ts";
import { isOwnRegistry } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";

export interface TagDeskOptions {
  readonly store: ContentStore;
  readonly journal: RegistryJournal;
  readonly house: Housekeeping;
  readonly guard: Guard;
  /** Host (and port) of the embedded registry. */
  readonly registry: string;
}

const MOVES_LIMIT = 1000;

interface Place {
  readonly repository: LocalRepository;
  readonly tag: string;
  readonly reference: string;
}

export class TagDesk {
  readonly #options: TagDeskOptions;

  constructor(options: TagDeskOptions) {
    this.#options = options;
  }

  #place(text: string): Place {
    const { store, registry } = this.#options;
    const {
      repository: name,
      tag = "latest",
      digest,
      registry: host,
    } = parseReference(text, { registry, tag: "latest" });
    if (!isOwnRegistry(host, registry)) throw daemonErrors("reference.not-local", { reference: text });
    if (digest !== undefined || !isTag(tag)) {
      throw daemonErrors("control.bad-request", { problem: "a digest has no history; name a tag" });
    }
    return { repository: store.repository(name), tag, reference: `${registry}/${name}:${tag}` };
  }

  async history(principal: Principal, text: string): Promise<TagHistory> {
    const { guard, registry, journal, house } = this.#options;
    const { repository, tag, reference } = this.#place(text);
    const resource = repositoryResource(repository.name, registry);
    const outcome = await guard.perform(
      { principal, action: "artifact:pull", resource, context: { tag }, details: { history: true } },
      async () => {
        await house.settled(repository.name);
        const digest = (await repository.resolve(tag))?.digest;
        const moves = await historyOf(journal, repository, tag, MOVES_LIMIT);
        if (digest === undefined && moves.length === 0) throw daemonErrors("artifact.not-found", { reference });
        const isImmutable = house.policies.isImmutable(repository.name, tag);
        return { reference, isImmutable, moves, ...(digest === undefined ? {} : { digest }) };
      },
    );
    return allowedOrThrow(outcome);
  }

  /** Lets the tag name again what it named before: a move like any other, with its record. */
  async rollback(principal: Principal, request: RollbackRequest): Promise<RollbackResult> {
    const { guard, registry, journal, house } = this.#options;
    const { repository, tag, reference } = this.#place(request.reference);
    const from = (await repository.resolve(tag))?.digest;
    const context = {
      tag,
      tagExists: from !== undefined,
      immutable: house.policies.isImmutable(repository.name, tag),
      ...(request.overrideImmutable === true ? { overrideImmutable: true } : {}),
    };
    const resource = repositoryResource(repository.name, registry);
    const outcome = await guard.perform(
      { principal, action: "artifact:push", resource, context, details: { rollback: true } },
      async (_decision, note) => {
        await house.settled(repository.name);
        const moves = await historyOf(journal, repository, tag, MOVES_LIMIT);
        const to = await rollbackTarget(repository, tag, moves, request.to);
        const manifest = await repository.manifest(to);
        if (manifest === undefined) throw daemonErrors("artifact.not-found", { reference: `${reference}@${to}` });
        note({ ...(from === undefined ? {} : { from }), digest: to });
        // Sparse: what it lacks now it lacked before.
        await repository.putManifest(manifest.bytes, manifest.mediaType, tag, { sparse: true, digest: to });
        return { reference, to, ...(from === undefined ? {} : { from }) };
      },
    );
    return allowedOrThrow(outcome);
  }
}
