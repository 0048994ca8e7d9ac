// Acts that policy allows only with a person's approval: they wait here, are shown to who may answer, and get one answer.
import type { ApprovalAnswer, ApprovalResult, ApprovalsConfig, PendingApproval, Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, type Clock, type JsonObject, type Log } from "@pratique/core";
import {
  allowedOrThrow,
  type Act,
  type Approval,
  type ApprovalRequest,
  type Approver,
  type Guard,
  type Unanswered,
  type Waiting,
} from "@pratique/guard";
import type { Database } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import { StandingApprovals } from "./standing-approvals.ts";
import { keyOf, personOf, resourceOf, waitingAct, type Settled, type WaitingAct } from "./waiting-act.ts";

/** An agent that asks again and again must not push out what others wait for. */
const MOST_PENDING = 500;
const MOST_OF_A_PERSON = 50;
/** Clients take a call for dead after a minute, unless they hear of it. */
const TELL_EVERY_MS = 10_000;

/** Runs a task later; what it hands back takes that back. */
export type Later = (task: () => void, afterMs: number) => () => void;

export interface ApprovalDeskOptions {
  readonly table: Database["approvals"];
  readonly config: ApprovalsConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
  readonly later?: Later;
}

type Via = "control" | "elicitation";

export class ApprovalDesk implements Approver {
  readonly #options: ApprovalDeskOptions;
  readonly #later: Later;
  readonly #standing: StandingApprovals;
  readonly #pending = new Map<string, WaitingAct>();
  readonly #watchers = new Set<Principal>();
  readonly #changes = new Set<() => void>();
  #guard: Guard | undefined;

  private constructor(options: ApprovalDeskOptions, standing: StandingApprovals) {
    this.#options = options;
    this.#standing = standing;
    this.#later = options.later ?? later;
  }

  static async open(options: ApprovalDeskOptions): Promise<ApprovalDesk> {
    return new ApprovalDesk(options, await StandingApprovals.open(options.table, options.clock));
  }

  /** Who decides over answers is the guard that asks this desk; before it is known, nobody can be asked. */
  begin(guard: Guard): void {
    this.#guard = guard;
  }

  async ask(request: ApprovalRequest): Promise<Approval | Unanswered | undefined> {
    const { act, argumentsDigest, waiting } = request;
    const { principal } = act;
    // An approval that needs an approval would ask for ever.
    if (this.#guard === undefined || principal === undefined || act.action === "admin:approve") return undefined;
    if (waiting?.signal.aborted === true) return undefined;
    const key = keyOf(act, argumentsDigest);
    const standing = await this.#standing.take(key);
    if (standing !== undefined) return { approved: true, by: standing.by, id: standing.id };
    const entry = this.#idle(key) ?? this.#add(request, principal);
    if (entry === undefined) return undefined;
    const canAsk = this.#canAsk(entry, waiting);
    if (waiting === undefined || !this.#mayWait(entry, canAsk)) {
      this.#changed();
      return unanswered(entry);
    }
    return await this.#wait(entry, waiting, canAsk);
  }

  /** What he may answer, oldest first. */
  async list(principal: Principal): Promise<PendingApproval[]> {
    await this.#mayLook(principal);
    return this.#shownTo(principal);
  }

  /** The list now and after each change, until the reader goes away. Meanwhile calls wait for him. */
  async follow(principal: Principal, signal: AbortSignal): Promise<AsyncIterable<PendingApproval[]>> {
    await this.#mayLook(principal);
    return this.#changesFor(principal, signal);
  }

  /** @throws `approval.not-found`, `approval.answered`, `policy.denied` */
  async answer(principal: Principal, id: string, answer: ApprovalAnswer): Promise<ApprovalResult> {
    const entry = this.#pending.get(id);
    if (entry === undefined || this.#isExpired(entry)) {
      const row = await this.#options.table.get(id);
      if (row !== undefined && row.record !== null) throw answered(id, row.answeredBy);
      throw daemonErrors("approval.not-found", { id: id.slice(0, 80) });
    }
    return await this.#answer(entry, principal, answer, "control");
  }

  async #answer(
    entry: WaitingAct,
    principal: Principal,
    { answer, rememberSeconds }: ApprovalAnswer,
    via: Via,
  ): Promise<ApprovalResult> {
    const { clock, table, config } = this.#options;
    if (entry.isAnswering || this.#pending.get(entry.id) !== entry) throw answered(entry.id, "somebody else");
    entry.isAnswering = true;
    const now = clock.now();
    const isApproved = answer === "approve";
    const isWaiting = entry.settle !== undefined;
    const isRemembered = isApproved && rememberSeconds > 0;
    const countsFor = isRemembered ? rememberSeconds : config.expireSeconds;
    const until = new Date(now.getTime() + countsFor * 1000).toISOString();
    // A caller who waits uses it up at once: it never counts for anybody else.
    const counts = isApproved && (isRemembered || !isWaiting);
    try {
      const outcome = await this.#guarded().perform(
        this.#answering(entry, principal, via, { answer, rememberSeconds: isApproved ? rememberSeconds : 0 }),
        () =>
          table.insert({
            id: entry.id,
            key: entry.key,
            state: !isApproved ? "denied" : counts ? "approved" : "used",
            answeredBy: principal.id,
            answeredAt: now.toISOString(),
            until,
            isRemembered: isRemembered ? 1 : 0,
            record: null,
          }),
      );
      allowedOrThrow(outcome);
      await table.confirm(entry.id, outcome.record.id);
      this.#pending.delete(entry.id);
      const by = principal.id;
      const hasWaited = entry.settle !== undefined;
      if (counts) this.#standing.add({ id: entry.id, key: entry.key, by, until, isRemembered });
      entry.settle?.({ type: "answered", approval: { approved: isApproved, by, id: entry.id } });
      this.#changed();
      const said = { id: entry.id, answer, by, record: outcome.record.id, isWaiting: hasWaited };
      return counts ? { ...said, until } : said;
    } catch (error) {
      // Nobody was told of an answer: it can still be given, by who may.
      entry.isAnswering = false;
      if (!isPratiqueError(error, "policy.denied")) {
        this.#drop(entry);
        entry.settle?.({ type: "left" });
      }
      throw error;
    }
  }

  #answering(
    entry: WaitingAct,
    principal: Principal,
    via: Via,
    { answer = "approve", rememberSeconds = 0 }: Partial<ApprovalAnswer> = {},
  ): Act {
    const { act, shown } = entry;
    const context: JsonObject = {
      act: act.action,
      actor: act.principal.id,
      own: personOf(act.principal).id === personOf(principal).id,
      via,
      rememberSeconds,
      argumentsDigest: shown.argumentsDigest,
    };
    const details = { approval: entry.id, answer, reason: shown.reason };
    const run = shown.run === undefined ? {} : { run: shown.run };
    return { principal, action: "admin:approve", resource: resourceOf(entry), context, details, ...run };
  }

  async #wait(entry: WaitingAct, waiting: Waiting, canAsk: boolean): Promise<Approval | Unanswered | undefined> {
    const { config } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Settled>();
    entry.settle = resolve;
    const onAbort = (): void => resolve({ type: "left" });
    waiting.signal.addEventListener("abort", onAbort, { once: true });
    const stopLate = this.#later(() => resolve({ type: "late" }), config.waitSeconds * 1000);
    const stopTelling = this.#telling(entry, waiting);
    if (canAsk) void this.#askClient(entry, waiting);
    this.#changed();
    try {
      const settled = await promise;
      if (settled.type === "answered") return settled.approval;
      // Whoever left made his wish void; whoever waited too long may come again.
      if (settled.type === "late") return unanswered(entry);
      this.#drop(entry);
      return undefined;
    } finally {
      waiting.signal.removeEventListener("abort", onAbort);
      stopLate();
      stopTelling();
      entry.settle = undefined;
      this.#changed();
    }
  }

  /** Asks the person at the caller's own client. What he does not say others may still say. */
  async #askClient(entry: WaitingAct, { ask }: Waiting): Promise<void> {
    const { principal } = entry.act;
    try {
      const said = await ask?.(questionOf(entry.shown));
      if (said !== undefined) {
        const answer = { answer: said ? "approve" : "deny", rememberSeconds: 0 } as const;
        await this.#answer(entry, principal, answer, "elicitation");
        return;
      }
    } catch (error) {
      this.#options.log.debug("a client could not be asked for approval", describeError(error));
    }
    if (!this.#mayWait(entry, false)) entry.settle?.({ type: "late" });
  }

  #telling({ id }: WaitingAct, { tell }: Waiting): () => void {
    if (tell === undefined) return () => undefined;
    let stop = (): void => undefined;
    const again = (): void => {
      tell(`waiting for a person's approval: pratique approvals approve ${id}`);
      stop = this.#later(again, TELL_EVERY_MS);
    };
    again();
    return () => stop();
  }

  #mayWait(entry: WaitingAct, canAsk: boolean): boolean {
    const { wait } = this.#options.config;
    if (wait !== "when-watched") return wait === "always";
    return canAsk || [...this.#watchers].some((watcher) => this.#mayAnswer(entry, watcher, "control"));
  }

  /** An agent's client answers for the agent: only a person's is asked, and only when he may approve his own act. */
  #canAsk(entry: WaitingAct, waiting: Waiting | undefined): boolean {
    const { config } = this.#options;
    if (!config.elicitation || config.wait === "never" || waiting?.ask === undefined) return false;
    const { principal } = entry.act;
    return principal.type === "User" && this.#mayAnswer(entry, principal, "elicitation");
  }

  #mayAnswer(entry: WaitingAct, principal: Principal, via: Via): boolean {
    return this.#guarded().decide(this.#answering(entry, principal, via)).allow;
  }

  /** One that nobody waits for any more, so that a call that comes again does not stand there twice. */
  #idle(key: string): WaitingAct | undefined {
    this.#sweep();
    for (const entry of this.#pending.values()) {
      if (entry.key === key && entry.settle === undefined && !entry.isAnswering) return entry;
    }
    return undefined;
  }

  #add(request: ApprovalRequest, principal: Principal): WaitingAct | undefined {
    const { clock, config, ids, log } = this.#options;
    const person = personOf(principal).id;
    const own = [...this.#pending.values()].filter(({ act }) => personOf(act.principal).id === person);
    const oldest = own.find((entry) => entry.settle === undefined && !entry.isAnswering);
    if (own.length >= MOST_OF_A_PERSON && oldest !== undefined) this.#pending.delete(oldest.id);
    else if (own.length >= MOST_OF_A_PERSON || this.#pending.size >= MOST_PENDING) {
      log.warn("too many acts wait for approval, so one more is denied", { person, waiting: own.length });
      return undefined;
    }
    const now = clock.now().getTime();
    const expiresAt = now + config.expireSeconds * 1000;
    const entry = waitingAct(request, { id: ids(), principal, now, expiresAt });
    this.#pending.set(entry.id, entry);
    this.#later(() => this.#changed(), config.expireSeconds * 1000 + 1);
    return entry;
  }

  #drop(entry: WaitingAct): void {
    if (this.#pending.delete(entry.id)) this.#changed();
  }

  #isExpired({ expiresAt, settle }: WaitingAct): boolean {
    // Somebody who still waits for it has a deadline of his own.
    return settle === undefined && expiresAt <= this.#options.clock.now().getTime();
  }

  #sweep(): void {
    for (const entry of this.#pending.values()) {
      if (this.#isExpired(entry) && !entry.isAnswering) this.#pending.delete(entry.id);
    }
  }

  #shownTo(principal: Principal): PendingApproval[] {
    this.#sweep();
    return [...this.#pending.values()]
      .filter((entry) => !entry.isAnswering && this.#mayAnswer(entry, principal, "control"))
      .map(({ shown, settle }) => ({ ...shown, isWaiting: settle !== undefined }));
  }

  async *#changesFor(principal: Principal, signal: AbortSignal): AsyncGenerator<PendingApproval[]> {
    let wake = (): void => undefined;
    let isChanged = true;
    const onChange = (): void => {
      isChanged = true;
      wake();
    };
    // Each reader counts by himself, also when one person reads twice.
    const watcher = { ...principal };
    this.#watchers.add(watcher);
    this.#changes.add(onChange);
    signal.addEventListener("abort", onChange, { once: true });
    try {
      while (!signal.aborted) {
        if (isChanged) {
          isChanged = false;
          yield this.#shownTo(principal);
          continue;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#watchers.delete(watcher);
      this.#changes.delete(onChange);
      signal.removeEventListener("abort", onChange);
    }
  }

  #changed(): void {
    for (const tell of this.#changes) tell();
  }

  async #mayLook(principal: Principal): Promise<void> {
    const act: Act = { principal, action: "admin:read", resource: systemResource, details: { what: "approvals" } };
    allowedOrThrow(await this.#guarded().perform(act, async () => null));
  }

  #guarded(): Guard {
    if (this.#guard === undefined) throw new Error("the desk of approvals has not begun");
    return this.#guard;
  }
}

function unanswered({ id }: WaitingAct): Unanswered {
  return { id, remedy: `a person can allow exactly this: pratique approvals approve ${id}; then do it again` };
}

function answered(id: string, by: string): Error {
  return daemonErrors("approval.answered", { id, by });
}

function questionOf({ action, resource, principal, reason, arguments: args }: PendingApproval): string {
  const shown = args === undefined ? "" : `\n${JSON.stringify(args, undefined, 2).slice(0, 2000)}`;
  return `${principal.name} wants to do ${action} on ${resource.id}.${shown}\n${reason}`;
}

function later(task: () => void, afterMs: number): () => void {
  const timer = setTimeout(task, afterMs).unref();
  return () => clearTimeout(timer);
}
