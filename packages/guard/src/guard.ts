// authenticate → decide → act → record: the one way by which anything happens.
import { RecordTemplate } from "@pratique/audit";
import type { AuditRecord, Decision, PolicyReason, RecordBody } from "@pratique/contracts";
import { canonicalJson, describeError, digestOf, type Clock, type JsonObject, type Log } from "@pratique/core";
import type { PolicyRequest, PolicySet } from "@pratique/policy";
import type { ActScope } from "./act-scope.ts";
import type { Act, GuardResource, Outcome } from "./act.ts";
import type { Approval, Approver, Unanswered, Waiting } from "./approver.ts";
import { decideAct, policyInForce, policyNow, policyRequestOf } from "./decide.ts";
import { recordBody } from "./record-body.ts";
import type { RepeatWindow, RepeatWindows } from "./repeat-windows.ts";
import { RepeatedAct } from "./repeated-act.ts";
import type { RepeatedList } from "./repeated-list.ts";
import { Recorder, type RecordSink } from "./recorder.ts";

export interface GuardOptions {
  /** The policy set in force now; asked for each act. */
  readonly policy: () => PolicySet;
  readonly audit: RecordSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly approver?: Approver;
  /** Is told which act is under way. */
  readonly acts?: ActScope;
  /** Keeps what policy is asked, so that the decision can be made again later, and names it by its digest. */
  readonly inputs?: { keep(request: PolicyRequest): string | undefined };
  /** Lets equal acts that may join share a record; without it each has its own. */
  readonly windows?: RepeatWindows;
}

export interface Guard {
  /**
   * Decides, acts when allowed, records. The record is durable before this resolves.
   * When `run` throws, a `failed` record is written and the error thrown on.
   * `waiting` is who waits while a human is asked for approval.
   * @throws `guard.record-failed` when the record cannot be written; the result is withheld then
   */
  perform<T>(
    act: Act,
    run: (decision: Decision, note: (details: JsonObject) => void) => Promise<T>,
    waiting?: Waiting,
  ): Promise<Outcome<T>>;
  /** The items that the principal may act on, in their order; one record for the whole list. */
  filter<R>(
    act: Omit<Act, "resource"> & { readonly scope: GuardResource },
    items: readonly R[],
    resourceOf: (item: R) => GuardResource,
  ): Promise<R[]>;
  /** The same for a list that is asked for again and again; what it shows is worked out once. */
  filterAgain<R>(list: RepeatedList<R>): Promise<readonly R[]>;
  /** A decision without act and record, for previews. */
  decide(act: Act): Decision;
  /** What came of an act after it was recorded, such as the bytes of a connection: a further record that names the first. */
  followUp(record: AuditRecord, facts: Readonly<Record<string, string | number | boolean>>): Promise<void>;
}

/** What an approval is for: the arguments' digest when the caller has one, else a digest of the whole act. */
function argumentsDigestOf({ action, resource, context = {} }: Act, waiting: Waiting | undefined): string {
  const given = context["argumentsDigest"] ?? waiting?.argumentsDigest?.();
  if (typeof given === "string" && given !== "") return given;
  return digestOf(canonicalJson({ action, type: resource.type, id: resource.id, context }));
}

interface Asked {
  readonly decision: Decision;
  readonly approval?: Approval & { readonly argumentsDigest: string };
  readonly unanswered?: Unanswered;
}

/** A policy that names the digest of arguments, or takes the context whole. */
const LOOKS_AT_ARGUMENTS = /argumentsDigest|\bcontext\b(?!\s*(?:\.|\bhas\b|\[))/;
/** How long a name of what policy was asked is taken to be kept under: then it is handed in again. */
const INPUTS_FRESH_MS = 60_000;

interface Plan {
  readonly set: PolicySet;
  readonly decision: Decision;
  readonly act: RepeatedAct;
  template: RecordTemplate | undefined;
  window: RepeatWindow | undefined;
  inputs: { readonly digest: string | undefined; readonly at: number } | undefined;
}

/** What a principal sees of a list. */
interface DecidedList {
  readonly listing: Act;
  /** Places of the items that are shown. */
  readonly shown: readonly number[];
  readonly decision: Decision;
  readonly counts: JsonObject;
}

interface ListPlan {
  readonly set: PolicySet | undefined;
  readonly decided: DecidedList;
  template: RecordTemplate | undefined;
}

/** What the first record of a window says of itself. */
function coverage(windows: RepeatWindows | undefined): JsonObject {
  return windows === undefined ? {} : { coversMs: windows.windowMs };
}

function isEmpty(details: JsonObject): boolean {
  for (const _ in details) return false;
  return true;
}

class PolicyGuard implements Guard {
  readonly #options: GuardOptions;
  readonly #recorder: Recorder;
  /** What is known of acts that happen again and again, under the policy set that it was worked out with. */
  readonly #plans = new WeakMap<RepeatedAct, Plan>();
  readonly #lists = new WeakMap<RepeatedList<unknown>, ListPlan>();
  /** Whether a set has a policy that looks at the digest of arguments. */
  readonly #lookers = new WeakMap<PolicySet, boolean>();

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#recorder = new Recorder(options.audit, options.log);
  }

  decide(act: Act): Decision {
    return this.#planOf(act)?.decision ?? decideAct(this.#options.policy, this.#options.log, act);
  }

  /** Undefined for an act that is not repeated, and while no policy can be asked. */
  #planOf(act: Act): Plan | undefined {
    if (!(act instanceof RepeatedAct)) return undefined;
    const set = policyInForce(this.#options.policy);
    if (set === undefined) return undefined;
    // Decided anew each time, and denied, until its maker hands in another.
    if (act.resource.isCurrent?.() === false) return undefined;
    const known = this.#plans.get(act);
    if (known?.set === set) return known;
    const decision = decideAct(() => set, this.#options.log, act);
    const plan: Plan = { set, decision, act, template: undefined, window: undefined, inputs: undefined };
    this.#plans.set(act, plan);
    return plan;
  }

  /** The record of an act that was done; equal ones that come close together share it. */
  async #recordDone(
    act: Act,
    decision: Decision,
    start: number,
    own: () => Promise<AuditRecord>,
    inputs: () => string | undefined,
  ): Promise<AuditRecord> {
    const plan = this.#planOf(act);
    // The policy may have changed while the act ran: its record says what it was allowed under.
    if (plan?.decision !== decision) return own();
    const { windows } = plan.act.mayJoin ? this.#options : {};
    if (plan.window?.join(this.#now()) === true) return plan.window.record;
    plan.template ??= new RecordTemplate(
      recordBody(act, { decision, outcome: "done", details: coverage(windows), durationMs: 0, inputs: inputs() }),
    );
    const record = await this.#recorder.writeLike(plan.template, this.#now() - start);
    if (windows !== undefined && plan.window?.isOpen(this.#now()) !== true) {
      plan.window = windows.open(record, start, (repeats) => this.#recordRepeats(plan, record, repeats));
    }
    return record;
  }

  /** A failure is logged, and owed before anything else may happen. */
  async #recordRepeats({ act, decision }: Plan, { id, time }: AuditRecord, repeats: number): Promise<void> {
    const durationMs = Math.max(0, this.#now() - Date.parse(time));
    const body = recordBody(act, { decision, outcome: "done", details: { repeats, of: id }, durationMs });
    await this.#recorder.write(body).catch(() => undefined);
  }

  async perform<T>(
    act: Act,
    run: (decision: Decision, note: (details: JsonObject) => void) => Promise<T>,
    waiting?: Waiting,
  ): Promise<Outcome<T>> {
    const start = this.#now();
    const details: Record<string, JsonObject[string]> = {};
    const { decision, approval, unanswered } = await this.#decideAsking(act, waiting);
    const inputs = (): string | undefined =>
      approval === undefined ? this.#inputsNow(act) : this.#inputsOf(act, approval.approved, approval.argumentsDigest);
    if (approval !== undefined) details["approval"] = { ...approval };
    if (unanswered !== undefined) details["approval"] = { id: unanswered.id, unanswered: true };
    const record = (outcome: "done" | "failed" | "denied", error?: unknown): ReturnType<Recorder["write"]> =>
      this.#recorder.write(
        recordBody(act, { decision, outcome, details, durationMs: this.#now() - start, error, inputs: inputs() }),
      );
    await this.#recorder.ready(act.action);
    if (!decision.allow) {
      Object.assign(details, waiting?.facts?.());
      return { allowed: false, decision, record: await record("denied") };
    }
    let value: T;
    try {
      const note = (more: JsonObject): void => void Object.assign(details, more);
      const { acts } = this.#options;
      value = await (acts === undefined ? run(decision, note) : acts.run(act, note, () => run(decision, note)));
    } catch (error) {
      await record("failed", error ?? new Error("it failed without saying why"));
      throw error;
    }
    const own = (): Promise<AuditRecord> => record("done");
    const done = isEmpty(details) ? this.#recordDone(act, decision, start, own, inputs) : own();
    return { allowed: true, value, decision, record: await done };
  }

  async filter<R>(
    act: Omit<Act, "resource"> & { readonly scope: GuardResource },
    items: readonly R[],
    resourceOf: (item: R) => GuardResource,
  ): Promise<R[]> {
    const start = this.#now();
    const decided = this.#decideList(act, items.length, (at) => resourceOf(items[at]!));
    await this.#recorder.ready(act.action);
    await this.#recordList(decided, start);
    return decided.shown.map((at) => items[at]!);
  }

  async filterAgain<R>(list: RepeatedList<R>): Promise<readonly R[]> {
    const start = this.#now();
    const set = policyInForce(this.#options.policy);
    const isLasting = set !== undefined && list.isCurrent();
    const known = isLasting ? this.#lists.get(list) : undefined;
    const decided =
      known?.set === set && known !== undefined
        ? known
        : {
            set,
            template: undefined,
            decided: this.#decideList(list.act, list.resources.length, (at) => list.resources[at]!),
          };
    if (isLasting) this.#lists.set(list, decided);
    await this.#recorder.ready(list.act.action);
    await this.#recordList(decided.decided, start, decided);
    return list.pick(decided.decided.shown);
  }

  #decideList(
    act: Omit<Act, "resource"> & { readonly scope: GuardResource },
    length: number,
    resourceAt: (at: number) => GuardResource,
  ): DecidedList {
    const { scope, ...rest } = act;
    const policy = policyNow(this.#options.policy);
    const decide = (resource: GuardResource): Decision => decideAct(policy, this.#options.log, { ...rest, resource });
    const shown: number[] = [];
    const hidden: string[] = [];
    const policies = new Map<string, PolicyReason>();
    // Whoever is not signed in is told nothing, and nothing is decided item by item.
    const decidedCount = act.principal === undefined ? 0 : length;
    let last = decidedCount === 0 ? decide(scope) : undefined;
    for (let at = 0; at < decidedCount; at += 1) {
      const resource = resourceAt(at);
      const decision = decide(resource);
      if (decision.allow) shown.push(at);
      else hidden.push(`${resource.type} ${resource.id}`);
      for (const policy of decision.policies) policies.set(policy.id, policy);
      last = decision;
    }
    const decision = summary(last ?? decide(scope), shown.length, length, [...policies.values()]);
    const counts = {
      offered: length,
      shown: shown.length,
      hidden: length - shown.length,
      ...(hidden.length === 0 ? {} : { hiddenDigest: digestOf(canonicalJson(hidden.toSorted())) }),
    };
    return { listing: { ...rest, resource: scope }, shown, decision, counts };
  }

  async #recordList({ listing, decision, counts }: DecidedList, start: number, plan?: ListPlan): Promise<void> {
    const outcome = decision.allow ? "done" : "denied";
    const body = (): RecordBody =>
      recordBody(listing, { decision, outcome, details: counts, durationMs: this.#now() - start });
    if (plan === undefined || !decision.allow) return void (await this.#recorder.write(body()));
    plan.template ??= new RecordTemplate(body());
    await this.#recorder.writeLike(plan.template, this.#now() - start);
  }

  async followUp(record: AuditRecord, facts: Readonly<Record<string, string | number | boolean>>): Promise<void> {
    const { version: _version, id, sequence: _sequence, time, ...body } = record;
    const durationMs = Math.max(0, this.#now() - Date.parse(time));
    await this.#recorder.write({ ...body, durationMs, details: { ...facts, of: id } });
  }

  /** An act that is repeated has no arguments, unless a policy looks at their digest: then each is decided by itself. */
  #decideOver(act: Act, waiting: Waiting | undefined): Decision {
    const { policy, log } = this.#options;
    const digest = waiting?.argumentsDigest;
    if (digest === undefined || act.context?.["argumentsDigest"] !== undefined) return this.decide(act);
    const set = policyInForce(policy);
    if (set === undefined || !this.#looksAtArguments(set)) return this.decide(act);
    return decideAct(() => set, log, { ...act, context: { ...act.context, argumentsDigest: digest() } });
  }

  #looksAtArguments(set: PolicySet): boolean {
    const known = this.#lookers.get(set);
    if (known !== undefined) return known;
    const looks = set.policies.some(({ text }) => LOOKS_AT_ARGUMENTS.test(text));
    this.#lookers.set(set, looks);
    return looks;
  }

  /** Decides; when only a human's approval is missing, asks for it and decides again. */
  async #decideAsking(act: Act, waiting: Waiting | undefined): Promise<Asked> {
    const { policy, log, approver } = this.#options;
    const decision = this.#decideOver(act, waiting);
    if (decision.allow || !decision.needsApproval || approver === undefined) return { decision };
    const argumentsDigest = argumentsDigestOf(act, waiting);
    let answer: Approval | Unanswered | undefined;
    try {
      answer = await approver.ask({ act, decision, argumentsDigest, ...(waiting === undefined ? {} : { waiting }) });
    } catch (error) {
      log.warn("nobody could be asked for approval", { action: act.action, ...describeError(error) });
    }
    if (answer === undefined) return { decision };
    if (!("approved" in answer)) {
      return { decision: { ...decision, remedy: answer.remedy }, unanswered: answer };
    }
    const { by, id } = answer;
    const approval = { approved: answer.approved === true, by, argumentsDigest, ...(id === undefined ? {} : { id }) };
    if (!approval.approved) return { decision, approval };
    return { decision: decideAct(policy, log, act, argumentsDigest), approval };
  }

  /** The same act asks the same again and again: it is named once in a while. */
  #inputsNow(act: Act): string | undefined {
    const plan = act instanceof RepeatedAct ? this.#plans.get(act) : undefined;
    if (plan === undefined) return this.#inputsOf(act, undefined, undefined);
    const now = this.#now();
    if (plan.inputs === undefined || now - plan.inputs.at > INPUTS_FRESH_MS)
      plan.inputs = { digest: this.#inputsOf(act, undefined, undefined), at: now };
    return plan.inputs.digest;
  }

  /** That it cannot be kept is no reason to let anything fail: then this decision cannot be made again. */
  #inputsOf(act: Act, isApproved: boolean | undefined, argumentsDigest: string | undefined): string | undefined {
    const { inputs, log } = this.#options;
    if (inputs === undefined || act.principal === undefined) return undefined;
    try {
      return inputs.keep(policyRequestOf(act, act.principal, isApproved === true ? argumentsDigest : undefined));
    } catch (error) {
      log.debug("what policy was asked cannot be kept", { action: act.action, ...describeError(error) });
      return undefined;
    }
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

/** The decision of a list: allowed when something in it is (or, for an empty one, when its scope is). */
function summary(last: Decision, shown: number, offered: number, policies: readonly PolicyReason[]): Decision {
  if (offered === 0 || (shown === 0 && offered === 1)) return last;
  const allow = shown > 0;
  const of = policies.filter(({ effect }) => !allow || effect === "permit");
  return {
    allow,
    policies: policies.length === 0 ? last.policies : of,
    reason: policies.length === 0 && !allow ? last.reason : `policy shows ${shown} of ${offered}`,
    ...(allow || last.remedy === undefined ? {} : { remedy: last.remedy }),
    policyDigest: last.policyDigest,
    needsApproval: false,
  };
}

/** Makes the guard that every act passes. */
export function createGuard(options: GuardOptions): Guard {
  return new PolicyGuard(options);
}
