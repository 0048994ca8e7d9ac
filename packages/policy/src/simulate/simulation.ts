// What would be decided otherwise under other policies: recorded decisions made again, each question once. Pure.
import type { Decision } from "@pratique/contracts";
import type { PolicyRequest } from "../cedar-request.ts";
import type { PolicySet } from "../policy-set.ts";
import { isUndecided } from "../sentences.ts";

/** A decision that was recorded. */
export interface RecordedDecision {
  /** Id of the record. */
  readonly record: string;
  readonly time: string;
  readonly who: string;
  readonly action: string;
  readonly what: string;
  readonly allow: boolean;
  /** Digest of what policy was asked; absent when it was not kept. */
  readonly inputs?: string | undefined;
  /** Digest of the artifact behind it. */
  readonly digest?: string | undefined;
}

export interface ChangedDecision {
  readonly record: string;
  readonly time: string;
  readonly who: string;
  readonly action: string;
  readonly what: string;
  /** What it would be. */
  readonly verdict: "allow" | "deny";
  readonly reason: string;
}

export interface PolicyChange {
  /** `@id` of the policy that would decide; `none` when no policy would allow it any more. */
  readonly policy: string;
  readonly denies: number;
  readonly allows: number;
  readonly examples: readonly ChangedDecision[];
}

/** Why decisions cannot be made again. */
export type Unreplayable = "not-kept" | "other-facts";

export interface SimulationReport {
  readonly replayed: number;
  readonly unchanged: number;
  readonly denies: number;
  readonly allows: number;
  /** Recorded otherwise than the policies in force decide now: they changed since, or the facts did. */
  readonly recordedOtherwise: number;
  readonly unreplayable: Readonly<Record<Unreplayable, number>>;
  /** Most changes first. */
  readonly policies: readonly PolicyChange[];
}

export interface SimulationOptions {
  readonly inForce: PolicySet;
  readonly candidate: PolicySet;
  /** Digests of artifacts that would not be cleared any more: what stands on them is asked as not cleared. */
  readonly lost?: ReadonlySet<string>;
  readonly examples?: number;
}

interface Outcome {
  readonly before: Decision;
  readonly after: Decision;
}

const NONE = "none";
const DEFAULT_EXAMPLES = 5;

interface Tally {
  denies: number;
  allows: number;
  readonly examples: ChangedDecision[];
}

/** Makes decisions again and compares. Feed it with `add`, then read `report`. */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #outcomes = new Map<string, Outcome | Unreplayable>();
  readonly #tallies = new Map<string, Tally>();
  readonly #unreplayable: Record<Unreplayable, number> = { "not-kept": 0, "other-facts": 0 };
  #replayed = 0;
  #denies = 0;
  #allows = 0;
  #recordedOtherwise = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
  }

  /** `request` is what policy was asked then; undefined when that is not known. */
  add(recorded: RecordedDecision, request: PolicyRequest | undefined): void {
    const outcome = this.#outcomeOf(recorded, request);
    if (typeof outcome === "string") {
      this.#unreplayable[outcome] += 1;
      return;
    }
    this.#replayed += 1;
    const { before, after } = outcome;
    if (before.allow !== recorded.allow) this.#recordedOtherwise += 1;
    if (before.allow === after.allow) return;
    if (after.allow) this.#allows += 1;
    else this.#denies += 1;
    const deciding = after.policies.map(({ id }) => id);
    for (const id of deciding.length === 0 ? [NONE] : deciding) this.#count(id, recorded, after);
  }

  get report(): SimulationReport {
    const policies = [...this.#tallies]
      .map(([policy, { denies, allows, examples }]) => ({ policy, denies, allows, examples: [...examples] }))
      .toSorted((a, b) => b.denies + b.allows - (a.denies + a.allows) || (a.policy < b.policy ? -1 : 1));
    const [denies, allows] = [this.#denies, this.#allows];
    return {
      replayed: this.#replayed,
      unchanged: this.#replayed - denies - allows,
      denies,
      allows,
      recordedOtherwise: this.#recordedOtherwise,
      unreplayable: { ...this.#unreplayable },
      policies,
    };
  }

  #outcomeOf({ inputs, digest }: RecordedDecision, request: PolicyRequest | undefined): Outcome | Unreplayable {
    if (request === undefined) return "not-kept";
    const isLost = digest !== undefined && this.#options.lost?.has(digest) === true;
    const key = inputs === undefined ? undefined : `${isLost} ${inputs}`;
    const known = key === undefined ? undefined : this.#outcomes.get(key);
    if (known !== undefined) return known;
    const before = this.#options.inForce.decide(request);
    const after = this.#options.candidate.decide(isLost ? uncleared(request) : request);
    // Facts of another time or version may not fit the schema: then it is not a denial, it is unknown.
    const outcome = isUndecided(before.reason) || isUndecided(after.reason) ? "other-facts" : { before, after };
    if (key !== undefined) this.#outcomes.set(key, outcome);
    return outcome;
  }

  #count(policy: string, recorded: RecordedDecision, after: Decision): void {
    const tally = this.#tallies.get(policy) ?? { denies: 0, allows: 0, examples: [] };
    this.#tallies.set(policy, tally);
    if (after.allow) tally.allows += 1;
    else tally.denies += 1;
    const { record, time, who, action, what } = recorded;
    const limit = this.#options.examples ?? DEFAULT_EXAMPLES;
    const isNew = tally.examples.every((one) => one.what !== what || one.action !== action || one.who !== who);
    if (!isNew || tally.examples.length >= limit) return;
    const verdict = after.allow ? "allow" : "deny";
    tally.examples.push({ record, time, who, action, what, verdict, reason: after.reason });
  }
}

/** The same question with the artifact behind it not cleared. */
function uncleared(request: PolicyRequest): PolicyRequest {
  const { resource } = request;
  if (resource.attributes?.["cleared"] !== true) return request;
  return { ...request, resource: { ...resource, attributes: { ...resource.attributes, cleared: false } } };
}
