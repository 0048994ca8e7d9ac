// Events for those who ask: as a list, and as they come, each only for who may see its repository.
import { setTimeout as delay } from "node:timers/promises";
import type { NumberedEvent, Principal, WebhookState } from "@pratique/contracts";
import { RegistryEvent } from "@pratique/contracts";
import { parseJson } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import type { Housekeeping } from "@pratique/registry";
import type { RegistryEventRow, RegistryJournal } from "@pratique/store";
import { repositoryResource, systemResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";

export interface EventDeskOptions {
  readonly store: ContentStore;
  readonly journal: RegistryJournal;
  readonly house: Housekeeping;
  readonly guard: Guard;
  readonly registry: string;
}

const POLL_MS = 200;
const AT_ONCE = 500;

export class EventDesk {
  readonly #options: EventDeskOptions;
  #looking: Promise<number> | undefined;

  constructor(options: EventDeskOptions) {
    this.#options = options;
  }

  /** The newest events, or those after a sequence, oldest first. */
  async list(principal: Principal, query: URLSearchParams): Promise<NumberedEvent[]> {
    const { journal, house } = this.#options;
    await this.#open(principal);
    await house.flush();
    const after = sequenceOf(query.get("after"));
    const limit = Math.min(Number(query.get("limit") ?? 100) || 100, 1000);
    const rows =
      after === undefined
        ? (await journal.events({ order: "newest", limit })).toReversed()
        : await journal.events({ after, limit });
    return rows.filter((row) => this.#isFor(principal, row)).map(numbered);
  }

  /** Events after a sequence (by default from now on), until the client goes away. */
  async follow(principal: Principal, after: string | null, signal: AbortSignal): Promise<AsyncIterable<NumberedEvent>> {
    const asked = sequenceOf(after);
    const highest = await this.#options.journal.highestEvent();
    await this.#open(principal);
    // A number that no event had yet is of another database: what happens from now on is new to its reader too.
    return this.#newEvents(principal, Math.min(asked ?? highest, highest), signal);
  }

  async *#newEvents(principal: Principal, from: number, signal: AbortSignal): AsyncGenerator<NumberedEvent> {
    const { journal } = this.#options;
    let after = from;
    while (!signal.aborted) {
      const rows = await journal.events({ after, limit: AT_ONCE });
      for (const row of rows) if (this.#isFor(principal, row)) yield numbered(row);
      after = rows.at(-1)?.sequence ?? after;
      if (rows.length < AT_ONCE) while (!signal.aborted && (await this.#highest()) <= after);
    }
  }

  /** The number of the newest event, a moment from now: a thousand readers ask the database as often as one. */
  #highest(): Promise<number> {
    this.#looking ??= delay(POLL_MS, undefined, { ref: false })
      .then(() => this.#options.journal.highestEvent())
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** One record for the whole reading; which events are shown is decided one by one. */
  async #open(principal: Principal): Promise<void> {
    const { guard, store, registry } = this.#options;
    const scope = { type: "Registry", id: registry, attributes: { host: registry } } as const;
    const names = await guard.filter(
      { principal, action: "artifact:pull", scope, details: { what: "events" } },
      await store.repositories(),
      (name) => repositoryResource(name, registry),
    );
    if (names.length > 0) return;
    // Who sees no repository may still see what concerns the whole registry.
    allowedOrThrow(
      await guard.perform({ principal, action: "admin:read", resource: systemResource }, async () => null),
    );
  }

  /** Asked for each event: policy may have changed while somebody listens. */
  #isFor(principal: Principal, { repository }: RegistryEventRow): boolean {
    const { guard, registry } = this.#options;
    if (repository === null) return guard.decide({ principal, action: "admin:read", resource: systemResource }).allow;
    const resource = repositoryResource(repository, registry);
    return guard.decide({ principal, action: "artifact:pull", resource }).allow;
  }

  async webhooks(principal: Principal): Promise<WebhookState[]> {
    const { guard, house } = this.#options;
    const act = { principal, action: "admin:read", resource: systemResource, details: { what: "webhooks" } } as const;
    return allowedOrThrow(await guard.perform(act, () => house.webhooks.state()));
  }

  async retry(principal: Principal): Promise<{ retried: number }> {
    const { guard, house } = this.#options;
    const act = { principal, action: "admin:write", resource: systemResource, details: { what: "webhooks" } } as const;
    return allowedOrThrow(await guard.perform(act, async () => ({ retried: await house.webhooks.retry() })));
  }
}

function numbered({ sequence, body }: RegistryEventRow): NumberedEvent {
  return { sequence, event: RegistryEvent.parse(parseJson(body)) };
}

function sequenceOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw daemonErrors("control.bad-request", { problem: "events are numbered from 1" });
  return Number(text);
}
