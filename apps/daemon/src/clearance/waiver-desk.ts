// Waivers: granted, listed, taken back; and the book that evidence looks them up in.
import { posix } from "node:path";
import { Mutex, type Clock, type Log } from "@pratique/core";
import { Waiver, type Principal, type WaiverEntry, type WaiverRequest, type WaiverScope } from "@pratique/contracts";
import {
  attest,
  openWaiverBundle,
  waiverBundle,
  waiverPredicate,
  WAIVER_PREDICATE,
  type SignedWaiver,
  type SigningKey,
  type Trust,
  type WaiverBook,
} from "@pratique/evidence";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import type { WaiverRow, WaiverTable } from "@pratique/store";
import { repositoryResource, systemResource } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";

const DAY_MS = 86_400_000;

export interface WaiverDeskOptions {
  readonly table: WaiverTable;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly guard: Guard;
  readonly registry: string;
  readonly longestDays: number;
  readonly find: (reference: string) => Promise<Found>;
  /** The artifact as policy sees it. */
  readonly resource: (found: Found) => Promise<GuardResource>;
  /** Told when a waiver came or went. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
}

/** In memory, made of the rows: few, and asked for at every decision. */
export class WaiverDesk implements WaiverBook {
  readonly #options: WaiverDeskOptions;
  readonly #changing = new Mutex();
  #standing: readonly SignedWaiver[] = [];
  #removed: ReadonlySet<string> = new Set();
  #content = 0;
  #version = { text: "", until: Number.NEGATIVE_INFINITY };

  private constructor(options: WaiverDeskOptions) {
    this.#options = options;
  }

  static async open(options: WaiverDeskOptions): Promise<WaiverDesk> {
    const desk = new WaiverDesk(options);
    const dropped = await options.table.dropUnconfirmed();
    if (dropped > 0) options.log.warn("waivers that nobody was told of are dropped", { waivers: dropped });
    await desk.#load();
    return desk;
  }

  /** Changes by itself when one begins or ends. */
  version(): string {
    const now = this.#options.clock.now().getTime();
    if (now < this.#version.until) return this.#version.text;
    const edges = this.#standing.flatMap(({ waiver }) => [Date.parse(waiver.created), Date.parse(waiver.expires)]);
    const passed = edges.filter((edge) => edge <= now).length;
    const until = Math.min(...edges.filter((edge) => edge > now), Number.POSITIVE_INFINITY);
    this.#version = { text: `${this.#content}.${passed}`, until };
    return this.#version.text;
  }

  standing(): readonly SignedWaiver[] {
    return this.#standing;
  }

  isRemoved(id: string): boolean {
    return this.#removed.has(id);
  }

  fits(pattern: string, repository: string): boolean {
    return pattern === "**" || posix.matchesGlob(repository, pattern);
  }

  /** @throws `waiver.invalid`, `policy.denied`, `artifact.not-found` */
  async add(principal: Principal, request: WaiverRequest): Promise<WaiverEntry> {
    const { guard, key, table, clock, ids, registry, resource } = this.#options;
    const found = request.reference === undefined ? undefined : await this.#options.find(request.reference);
    const waiver = this.#checked(principal, request, found, ids());
    const about =
      found === undefined ? repositoryResource(waiver.scope.repository ?? "*", registry) : await resource(found);
    const bundle = await waiverBundle(waiver, key);
    const outcome = await guard.perform(
      { principal, action: "artifact:waive", resource: about, details: { waiver: detailsOf(waiver) } },
      // It is in force once its record is durable, and not before.
      () =>
        table.insert({
          id: waiver.id,
          bundle: bundle.toString("utf8"),
          place: found?.repository.name ?? null,
          expires: waiver.expires,
          record: null,
          removedAt: null,
          removedBy: null,
        }),
    );
    allowedOrThrow(outcome);
    await table.confirm(waiver.id, outcome.record.id);
    await this.#changed(found);
    return { waiver, state: stateOf(waiver, null, clock.now()), record: outcome.record.id };
  }

  /** Takes a waiver back, for good: the same one hanging on an artifact counts no more. @throws `waiver.not-found` */
  async remove(principal: Principal, id: string): Promise<WaiverEntry> {
    const { table, guard, registry, clock, find } = this.#options;
    const row = await table.get(id);
    const signed = row === undefined || row.record === null ? undefined : this.#read(row);
    if (row === undefined || signed === undefined) throw daemonErrors("waiver.not-found", { id });
    const { waiver } = signed;
    const { artifact, repository } = waiver.scope;
    const about = repositoryResource(repository ?? row.place ?? "*", registry);
    const removed = { removedAt: clock.now().toISOString(), removedBy: principal.id };
    const details = { removedWaiver: id, ...(artifact === undefined ? {} : { artifact }) };
    const outcome = await guard.perform({ principal, action: "artifact:waive", resource: about, details }, () =>
      table.remove(id, removed),
    );
    allowedOrThrow(outcome);
    const hangsOn = row.place === null || artifact === undefined ? undefined : `${registry}/${row.place}@${artifact}`;
    await this.#changed(hangsOn === undefined ? undefined : await find(hangsOn).catch(() => undefined));
    return { waiver, state: "removed", record: outcome.record.id, ...removed };
  }

  async list(principal: Principal): Promise<WaiverEntry[]> {
    const { guard, table, clock } = this.#options;
    const outcome = await guard.perform({ principal, action: "admin:read", resource: systemResource }, async () => {
      const rows = await table.list();
      return rows.flatMap((row): WaiverEntry[] => {
        const signed = row.record === null ? undefined : this.#read(row);
        if (signed === undefined) return [];
        const { removedAt, removedBy, record } = row;
        return [
          {
            waiver: signed.waiver,
            state: stateOf(signed.waiver, removedAt, clock.now()),
            ...(record === null ? {} : { record }),
            ...(removedAt === null ? {} : { removedAt }),
            ...(removedBy === null ? {} : { removedBy }),
          },
        ];
      });
    });
    return allowedOrThrow(outcome);
  }

  #checked(principal: Principal, request: WaiverRequest, found: Found | undefined, id: string): Waiver {
    const { clock, longestDays } = this.#options;
    const now = clock.now();
    const expires = Date.parse(request.expires);
    if (!(expires > now.getTime())) throw daemonErrors("waiver.invalid", { reason: "it has expired already" });
    if (expires > now.getTime() + longestDays * DAY_MS) {
      throw daemonErrors("waiver.invalid", {
        reason: `it lasts more than ${longestDays} days (clearance.longestWaiver)`,
      });
    }
    const { repository, policy, vulnerability } = request;
    const scope: WaiverScope = {
      ...(found === undefined ? {} : { artifact: found.descriptor.digest }),
      ...(repository === undefined ? {} : { repository }),
      ...(policy === undefined ? {} : { policy }),
      ...(vulnerability === undefined ? {} : { vulnerability }),
      ...(request.package === undefined ? {} : { package: request.package }),
    };
    const parsed = Waiver.safeParse({
      id,
      scope,
      reason: request.reason,
      by: nameOf(principal),
      created: now.toISOString(),
      expires: new Date(expires).toISOString(),
    });
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw daemonErrors("waiver.invalid", { reason: `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim() });
  }

  /** The book first; then what hangs on the artifact, for those who read it elsewhere. */
  async #changed(found: Found | undefined): Promise<void> {
    await this.#changing.run(() => this.#load());
    this.#options.onChange();
    if (found !== undefined) await this.#changing.run(() => this.#hang(found));
  }

  async #hang(found: Found): Promise<void> {
    const { key, clock, log } = this.#options;
    const now = clock.now();
    const own = this.#standing
      .map(({ waiver }) => waiver)
      .filter(
        ({ scope, expires }) => scope.artifact === found.descriptor.digest && Date.parse(expires) > now.getTime(),
      );
    const predicate = waiverPredicate(own, now);
    try {
      const statement = { predicateType: WAIVER_PREDICATE, predicate };
      await attest(found.repository, found.descriptor, statement, key, clock);
    } catch (error) {
      // It counts here all the same.
      log.warn("a waiver does not hang on its artifact", { artifact: found.reference, error: String(error) });
    }
  }

  async #load(): Promise<void> {
    const rows = await this.#options.table.list();
    const standing: SignedWaiver[] = [];
    for (const row of rows) {
      const signed = row.record === null || row.removedAt !== null ? undefined : this.#read(row);
      if (signed !== undefined) standing.push(signed);
    }
    this.#standing = standing;
    this.#removed = new Set(rows.flatMap(({ id, removedAt }) => (removedAt === null ? [] : [id])));
    this.#content += 1;
    this.#version = { text: "", until: Number.NEGATIVE_INFINITY };
  }

  /** What does not verify, or says another id than its row, was altered in the database: it waives nothing. */
  #read({ id, bundle }: WaiverRow): SignedWaiver | undefined {
    const signed = openWaiverBundle(Buffer.from(bundle), this.#options.trust);
    if (signed?.waiver.id === id) return signed;
    this.#options.log.warn("a waiver does not verify, and counts for nothing", { waiver: id });
    return undefined;
  }
}

function stateOf({ expires }: Waiver, removedAt: string | null, now: Date): WaiverEntry["state"] {
  if (removedAt !== null) return "removed";
  return Date.parse(expires) > now.getTime() ? "in-force" : "expired";
}

function nameOf(principal: Principal): string {
  return principal.type === "User" ? `${principal.name} (${principal.id})` : principal.id;
}

function detailsOf({ id, scope, reason, expires }: Waiver): Record<string, string | Record<string, string>> {
  const given = Object.entries(scope).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { id, scope: Object.fromEntries(given), reason, expires };
}
