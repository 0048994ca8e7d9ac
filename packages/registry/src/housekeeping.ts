// Keeps house over the content store: sees every change, refuses what rules forbid, and writes down the rest.
import type { AuditRecord, HousekeepingConfig, QuotaUsage, RegistryEvent } from "@pratique/contracts";
import { describeError, type Clock, type JsonObject, type Log } from "@pratique/core";
import type { ActScope } from "@pratique/guard";
import type { AuditLog } from "@pratique/audit";
import type { ChangeEnd, ContentStore, RepositoryChange, StoreObserver } from "@pratique/oci";
import type { NewRegistryEvent, NewTagMove, RegistryJournal } from "@pratique/store";
import type { Reserve } from "./exchange.ts";
import { cloudEvent, type EventFacts, type EventType } from "./events/cloud-event.ts";
import { refuseOvertaken } from "./retention/overtaken.ts";
import { RecordReader } from "./events/record-reader.ts";
import { Webhooks, type WebhooksOptions } from "./events/webhooks.ts";
import { Attribution, type Cause } from "./history/attribution.ts";
import { JournalWriter } from "./history/journal-writer.ts";
import { decideOpenChanges, StrangeMoves } from "./history/reconcile.ts";
import { TagPolicies } from "./history/tag-policies.ts";
import { changeEvents } from "./events/change-events.ts";
import { QuotaLedger, type Excess } from "./quota/quota-ledger.ts";

export interface HousekeepingOptions {
  readonly config: HousekeepingConfig;
  readonly journal: RegistryJournal;
  readonly acts: ActScope;
  readonly audit: Pick<AuditLog, "find" | "size">;
  /** Host (and port) under which policy knows the registry. */
  readonly host: string;
  /** Of the webhooks, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
  readonly post?: WebhooksOptions["post"];
}

/** An event that was given its id before it is told. */
export interface Announcement {
  readonly id: string;
  readonly type: EventType;
  readonly data: JsonObject;
  readonly repository?: string;
}

/** A repository that is over its quota is told of once in so long. */
const EXCESS_EVERY_MS = 60_000;
const EXCESSES_KNOWN = 10_000;
const TRIM_EVERY_EVENTS = 1000;
/** So far a webhook may be behind. */
const DELIVERIES_KEPT = 50_000;

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #writer: JournalWriter;
  readonly #attribution: Attribution;
  readonly #records: RecordReader;
  readonly #toldOfExcess = new Map<string, number>();
  #untrimmed = TRIM_EVERY_EVENTS;
  #trimming: Promise<void> | undefined;
  #strange: StrangeMoves | undefined;
  #looking: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  readonly policies: TagPolicies;
  readonly quotas: QuotaLedger;
  readonly webhooks: Webhooks;
  /** For `openContentStore`. */
  readonly observer: StoreObserver;
  /** For the registry: requests say how long an upload will be, and often what. */
  readonly reserve: Reserve = (...upload) => this.quotas.announce(...upload);

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    const { config, journal, acts, audit, host, secrets, clock, log, ids, post } = options;
    this.#attribution = new Attribution(acts, ids);
    this.policies = new TagPolicies(config.immutableTags, acts);
    this.quotas = new QuotaLedger(config.quotas, (excess) => this.#onExcess(excess));
    this.webhooks = new Webhooks({
      webhooks: config.webhooks,
      secrets,
      journal,
      clock,
      log,
      ...(post === undefined ? {} : { post }),
    });
    this.#writer = new JournalWriter(journal, log, ({ deliveries = [], events = [] }) => {
      if (deliveries.length > 0) this.webhooks.wake();
      this.#untrimmed += events.length;
      if (this.#untrimmed >= TRIM_EVERY_EVENTS) this.#trim();
    });
    this.#records = new RecordReader({
      audit,
      journal,
      host,
      keepsPulls:
        config.events.pulls ||
        Object.values(config.webhooks).some(({ events }) => events?.includes("artifact.pulled") === true),
      later: (batch) => this.#writer.later(batch),
      event: (facts) => {
        const row = this.#eventRow(facts, null);
        return { row, deliveries: this.#deliveries(row) };
      },
    });
    this.observer = {
      admit: (change) => this.#admit(change),
      ready: (repository) => this.quotas.ready(repository),
      receiving: (repository, upload, sizeBytes) => this.quotas.reserve(repository, upload, sizeBytes),
      ended: (repository, upload) => this.quotas.ended(repository, upload),
      stored: (repository, digest, sizeBytes) => this.quotas.stored(repository, digest, sizeBytes),
      released: (repository, digest) => this.quotas.released(repository, digest),
    };
  }

  /** To be called before anything changes: settles what a crash left open. Who moved tags meanwhile is found later. */
  async start(store: ContentStore): Promise<void> {
    const { journal, clock, log, ids } = this.#options;
    this.quotas.watch(store);
    await this.#records.catchUp();
    const options = {
      store,
      journal,
      clock,
      ids,
      deliveriesFor: (row: Pick<NewRegistryEvent, "id" | "type" | "repository">) => this.#deliveries(row),
      events: (change: RepositoryChange, id: string) => this.#changeRows(change, undefined, id),
    };
    const dropped = await decideOpenChanges(options);
    if (dropped > 0) log.warn("changes that were begun did not happen", { changes: dropped });
    await this.#writer.flush();
    const forgotten = await journal.forgetOthers(Object.keys(this.#options.config.webhooks));
    if (forgotten > 0) log.info("webhooks that are no longer configured are not told", { events: forgotten });
    this.webhooks.wake();
    this.#strange = new StrangeMoves(options);
    this.#looking = this.#lookForStrangeMoves(this.#strange);
  }

  async #lookForStrangeMoves(strange: StrangeMoves): Promise<void> {
    const { log } = this.#options;
    try {
      const moves = await strange.lookAtAll(this.#closing.signal, (repository, error) =>
        log.warn("the history of a repository cannot be told", { repository, ...describeError(error) }),
      );
      if (moves > 0) log.warn("tags were moved by nobody we know", { moves });
      if (moves > 0) this.webhooks.wake();
    } catch (error) {
      if (!this.#closing.signal.aborted) log.warn("the history of tags was not looked through", describeError(error));
    }
  }

  /** The history is whole when it resolves, of one repository or of all. */
  async settled(repository?: string): Promise<void> {
    await (repository === undefined ? this.#looking : this.#strange?.lookAt(repository));
    await this.flush();
  }

  /** To be told of every record, once it is durable. */
  recorded(record: AuditRecord): void {
    this.#records.read(record);
  }

  /** Makes an event of something that happened here. */
  emit(type: EventType, data: JsonObject, repository?: string): void {
    const { ids, clock, host } = this.#options;
    const row = this.#eventRow(
      { id: ids(), type, time: clock.now(), host, repository, subject: repository, data },
      null,
    );
    this.#writer.later({ events: [row], deliveries: this.#deliveries(row) });
  }

  /** As `emit`, for events that have their ids already and must not be lost: durable when it resolves, once however often told. */
  async announce(events: readonly Announcement[]): Promise<void> {
    const { clock, host } = this.#options;
    const time = clock.now();
    const rows = events.map(({ id, type, data, repository }) =>
      this.#eventRow({ id, type, time, host, repository, subject: repository, data }, null),
    );
    await this.#writer.write({ events: rows, deliveries: rows.flatMap((row) => this.#deliveries(row)) });
  }

  usage(repository: string): Promise<QuotaUsage> {
    return this.quotas.usage(repository);
  }

  /** What was seen so far is written when it resolves. */
  async flush(): Promise<void> {
    this.#records.flush();
    await this.#writer.flush();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
    this.#records.close();
    await this.#writer.flush();
    await this.#trimming;
    await this.webhooks.close();
  }

  async #admit(change: RepositoryChange): Promise<ChangeEnd> {
    refuseOvertaken(change, this.#options.acts);
    this.policies.check(change);
    this.quotas.admit(change);
    const { repository, tags, added, removed } = change;
    if (tags.length + added.length + removed.length === 0) return () => undefined;
    await this.#strange?.lookAt(change.repository);
    const { ids, clock } = this.#options;
    const id = ids();
    const time = clock.now().toISOString();
    const cause = this.#attribution.cause();
    const events = this.#changeRows(change, cause, id);
    await this.#writer.write({
      moves: tags.map(({ tag, from, to }): NewTagMove => {
        return {
          change: id,
          repository,
          tag,
          fromDigest: from ?? null,
          toDigest: to ?? null,
          time,
          principal: cause === undefined ? null : JSON.stringify(cause.principal),
          action: cause?.action ?? null,
          act: cause?.act ?? null,
          record: null,
          isDone: 0,
        };
      }),
      events,
      pushed: added.map((digest) => ({ repository, digest, pushedAt: time })),
    });
    return (isDurable) => {
      if (!isDurable) return this.#writer.later({ dropped: [id] });
      const gone = removed.map((digest) => ({ repository, digest }));
      this.#writer.later({ done: [id], gone, deliveries: events.flatMap((row) => this.#deliveries(row)) });
    };
  }

  #changeRows(change: RepositoryChange, cause: Cause | undefined, id: string): NewRegistryEvent[] {
    const { ids, clock, host } = this.#options;
    const facts = changeEvents(change, cause);
    return facts.map((one) => this.#eventRow({ ...one, id: ids(), time: clock.now(), host }, id));
  }

  #eventRow(facts: EventFacts, change: string | null): NewRegistryEvent {
    const event: RegistryEvent = cloudEvent(facts);
    return {
      id: facts.id,
      change,
      type: facts.type,
      repository: facts.repository ?? null,
      time: event.time,
      body: JSON.stringify(event),
      isDone: change === null ? 1 : 0,
    };
  }

  #deliveries({ id, type, repository }: Pick<NewRegistryEvent, "id" | "type" | "repository">): {
    webhook: string;
    event: string;
    dueAt: number;
  }[] {
    const dueAt = this.#options.clock.now().getTime();
    const names = this.webhooks.wanting(type as EventType, repository ?? undefined);
    return names.map((webhook) => ({ webhook, event: id, dueAt }));
  }

  #onExcess({ repository, ...facts }: Excess): void {
    const now = this.#options.clock.now().getTime();
    if (Math.abs(now - (this.#toldOfExcess.get(repository) ?? -Infinity)) < EXCESS_EVERY_MS) return;
    if (this.#toldOfExcess.size >= EXCESSES_KNOWN) this.#toldOfExcess.clear();
    this.#toldOfExcess.set(repository, now);
    const cause = this.#attribution.cause();
    this.emit(
      "quota.exceeded",
      { ...facts, ...(cause === undefined ? {} : { principal: cause.principal }) },
      repository,
    );
  }

  #trim(): void {
    this.#untrimmed = 0;
    const { journal, config, log } = this.#options;
    const options = {
      keepEvents: config.events.keep,
      keepMoves: config.history.movesPerTag,
      keepDeliveries: DELIVERIES_KEPT,
    };
    this.#trimming = (this.#trimming ?? Promise.resolve())
      .then(() => journal.trim(options))
      .then((lost) => {
        if (lost > 0) log.warn("webhooks are too far behind: the oldest events are given up", { events: lost });
      })
      .catch((error: unknown) => log.warn("the registry's journal was not trimmed", { error: String(error) }));
  }
}
