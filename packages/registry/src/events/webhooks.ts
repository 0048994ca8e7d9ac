// Tells webhooks of events: at least once, roughly in the order of the events, until it gives up.
import type { HousekeepingConfig, WebhookState } from "@pratique/contracts";
import { RegistryEvent } from "@pratique/contracts";
import { describeError, parseJson, type Clock, type Log } from "@pratique/core";
import type { DeliveryRow, RegistryJournal } from "@pratique/store";
import { fitsRepository } from "../pattern.ts";
import type { EventType } from "./cloud-event.ts";
import { post, type PostAnswer } from "./post.ts";
import { webhookRequest, type WebhookRequest } from "./webhook-request.ts";

/** Requests under way to one webhook: its order is not promised, each event carries its time. */
const AT_ONCE = 8;
const TIMEOUT_MS = 15_000;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 60 * 60 * 1000;
/** The state of the database is looked at again after so long, whatever happened. */
const LOOK_AGAIN_MS = 60_000;

export interface WebhooksOptions {
  readonly webhooks: HousekeepingConfig["webhooks"];
  /** Secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly journal: RegistryJournal;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 to 1: spreads what failed together. */
  readonly random?: () => number;
  readonly post?: (url: string, request: WebhookRequest, signal: AbortSignal) => Promise<PostAnswer>;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #stopped = new AbortController();
  readonly #loops = new Map<string, Promise<void>>();
  readonly #alarms = new Map<string, NodeJS.Timeout>();
  readonly #again = new Set<string>();

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  /** Names of the webhooks that want an event. */
  wanting(type: EventType, repository: string | undefined): string[] {
    return Object.entries(this.#options.webhooks).flatMap(([name, webhook]) => {
      const isWanted = webhook.events === undefined ? type !== "artifact.pulled" : webhook.events.includes(type);
      const fits =
        repository === undefined ? webhook.repository === "**" : fitsRepository(webhook.repository, repository);
      return isWanted && fits ? [name] : [];
    });
  }

  /** Looks what is due. */
  wake(): void {
    for (const name of Object.keys(this.#options.webhooks)) this.#run(name);
  }

  #run(name: string): void {
    if (this.#stopped.signal.aborted) return;
    if (this.#loops.has(name)) return void this.#again.add(name);
    clearTimeout(this.#alarms.get(name));
    const loop = this.#deliverDue(name)
      .catch((error: unknown) => {
        this.#options.log.error("webhooks cannot be told", describeError(error));
        this.#lookAgain(name, LOOK_AGAIN_MS);
      })
      .finally(() => {
        this.#loops.delete(name);
        if (this.#again.delete(name)) this.#run(name);
      });
    this.#loops.set(name, loop);
  }

  async #deliverDue(name: string): Promise<void> {
    const { journal, clock } = this.#options;
    while (!this.#stopped.signal.aborted) {
      const now = clock.now().getTime();
      const rows = await journal.due(name, { now, limit: AT_ONCE, notAfter: now + LONGEST_WAIT_MS });
      if (rows.length === 0) break;
      // All end before any failure counts: nothing of it goes on behind our back.
      const ends = await Promise.allSettled(rows.map((row) => this.#deliver(name, row)));
      const failed = ends.find((end) => end.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
    if (this.#stopped.signal.aborted) return;
    const next = await journal.nextDue(name);
    if (next === undefined) return;
    this.#lookAgain(name, Math.min(Math.max(next - clock.now().getTime(), 10), LOOK_AGAIN_MS));
  }

  #lookAgain(name: string, waitMs: number): void {
    if (!this.#stopped.signal.aborted) this.#alarms.set(name, setTimeout(() => this.#run(name), waitMs).unref());
  }

  async #deliver(name: string, { body, ...row }: DeliveryRow & { body: string }): Promise<void> {
    const { webhooks, secrets, journal, clock, log, post: send = post } = this.#options;
    const webhook = webhooks[name];
    if (webhook === undefined) return;
    const event = RegistryEvent.parse(parseJson(body));
    const form = { mode: webhook.mode, secret: secrets[name], now: clock.now() };
    let error: string;
    let retryAfter: string | undefined;
    try {
      const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const answer = await send(webhook.url, webhookRequest(event, form), signal);
      if (answer.status >= 200 && answer.status < 300) return await journal.delivered(name, row.event);
      error = `it answered ${answer.status}`;
      retryAfter = answer.retryAfter;
    } catch (cause) {
      // We stop, so the failure is not the webhook's.
      if (this.#stopped.signal.aborted) return;
      error = String(describeError(cause)["error"]).slice(0, 300);
    }
    const attempts = row.attempts + 1;
    const isOver = attempts >= webhook.attempts;
    if (isOver) log.warn("a webhook is not told of an event", { webhook: name, event: row.event, attempts, error });
    await journal.postpone({
      ...row,
      attempts,
      error,
      state: isOver ? "dead" : "waiting",
      dueAt: clock.now().getTime() + this.#waitMs(attempts, retryAfter),
    });
  }

  #waitMs(attempts: number, retryAfter: string | undefined): number {
    const asked = /^\d{1,6}$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : 0;
    const backOff = FIRST_WAIT_MS * 3 ** (attempts - 1) * (0.75 + 0.5 * (this.#options.random ?? Math.random)());
    return Math.min(Math.max(asked, backOff), LONGEST_WAIT_MS);
  }

  async state(): Promise<WebhookState[]> {
    const { webhooks, journal } = this.#options;
    const counts = await journal.deliveryCounts();
    const dead = await journal.deadDeliveries(1000);
    const count = (name: string, state: string): number =>
      counts.find((row) => row.webhook === name && row.state === state)?.count ?? 0;
    return Object.entries(webhooks).map(([name, { url }]) => {
      const lastError = dead.findLast((row) => row.webhook === name)?.error;
      return {
        name,
        url: withoutSecrets(url),
        waiting: count(name, "waiting"),
        dead: count(name, "dead"),
        ...(typeof lastError === "string" ? { lastError } : {}),
      };
    });
  }

  /** Begins again with what was given up. */
  async retry(): Promise<number> {
    const revived = await this.#options.journal.revive(this.#options.clock.now().getTime());
    this.wake();
    return revived;
  }

  /** Resolves when no request is under way; what was not told is told after the next start. */
  async close(): Promise<void> {
    this.#stopped.abort();
    for (const alarm of this.#alarms.values()) clearTimeout(alarm);
    await Promise.all(this.#loops.values());
  }
}

/** Many services put a secret into the path or query of the address. */
function withoutSecrets(url: string): string {
  return `${new URL(url).origin}/…`;
}
