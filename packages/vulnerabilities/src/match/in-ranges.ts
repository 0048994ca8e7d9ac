// Whether a version is affected: the evaluation of the OSV schema, https://ossf.github.io/osv-schema/#evaluation.
import type { AffectedVersions, RangeEvent, VersionRange } from "../database/advisory.ts";
import type { TextOrder } from "../versions/version-order.ts";
import { semanticVersions } from "../versions/order-of.ts";

export interface VersionVerdict {
  readonly isAffected: boolean;
  /** Some bound, or the version itself, could not be put in order: what it would have said is not known. */
  readonly isUncertain: boolean;
  /** Where it is affected: later versions that mend it, in no order. */
  readonly fixes: readonly string[];
}

/** A version that is judged: read once, compared with many. */
export class JudgedVersion {
  readonly text: string;
  readonly #family: string;
  readonly #order: TextOrder;
  readonly #against: Against;
  #semantic: { readonly against: Against } | undefined;

  readonly #installed: string;

  /**
   * `family` is the ecosystem without its release, `order` the order of its versions; `installed` is the version as it
   * stands in the artifact, where advisories name a part of it.
   */
  constructor(text: string, family: string, order: TextOrder, installed = text) {
    this.text = text;
    this.#installed = installed;
    this.#family = family;
    this.#order = order;
    this.#against = order.against(text);
  }

  /** Go's toolchain has versions that SemVer does not read, and its modules are in SemVer order anyway. */
  orderOf({ type }: VersionRange): TextOrder {
    return type === "SEMVER" && this.#family !== "Go" ? semanticVersions : this.#order;
  }

  isIn(range: VersionRange): boolean | undefined {
    const order = this.orderOf(range);
    if (order === this.#order) return isWithin(range, this.#against, order);
    this.#semantic ??= { against: order.against(this.text) };
    return isWithin(range, this.#semantic.against, order);
  }

  isListed(list: readonly string[]): boolean {
    if (list.length === 0) return false;
    if (list.includes(this.text) || list.includes(this.#installed)) return true;
    const compare = this.#against;
    return compare !== undefined && list.some((listed) => compare(listed) === 0);
  }
}

export function judgeVersion(versions: AffectedVersions, version: JudgedVersion): VersionVerdict {
  let isAffected = false;
  let isUncertain = false;
  for (const range of versions.ranges ?? []) {
    const verdict = range.type === "GIT" ? inCommits(range, version.text) : version.isIn(range);
    if (verdict === undefined) isUncertain = true;
    else if (verdict) isAffected = true;
  }
  if (!isAffected && version.isListed(versions.versions ?? [])) isAffected = true;
  return { isAffected, isUncertain, fixes: isAffected ? laterFixes(versions, version) : NO_FIXES };
}

const NO_FIXES: readonly string[] = [];

/** Undefined when an event that matters cannot be compared. */
export function inRange(range: VersionRange, version: string, order: TextOrder): boolean | undefined {
  return isWithin(range, order.against(version), order);
}

/** `compare` gives the order of the version to another; undefined when it is none. */
function isWithin(range: VersionRange, compare: Against, order: TextOrder): boolean | undefined {
  const { events } = range;
  if (compare === undefined) {
    // Without an order only "everything, and no fix" can be told.
    return events.length > 0 && events.every(isStart) ? true : undefined;
  }
  if (isPastLimits(events, compare)) return false;
  // The last event at or before the version says what holds; of two at one version, the one written later.
  let last: RangeEvent | undefined;
  for (const event of events) {
    const [kind, at] = event;
    if (kind === "limit") continue;
    const reached = isStart(event) ? 1 : compare(at);
    if (reached === undefined) return undefined;
    if (kind === "last_affected" ? reached <= 0 : reached < 0) continue;
    if (last === undefined || isStart(last)) last = event;
    else if (!isStart(event)) {
      const later = order.compare(at, last[1]);
      if (later === undefined) return undefined;
      if (later >= 0) last = event;
    }
  }
  return last?.[0] === "introduced";
}

type Against = ((other: string) => number | undefined) | undefined;

function isPastLimits(events: readonly RangeEvent[], compare: (other: string) => number | undefined): boolean {
  const limits = events.filter(([kind]) => kind === "limit");
  return limits.length > 0 && !limits.some(([, at]) => at === "*" || (compare(at) ?? 0) < 0);
}

function isStart([kind, at]: RangeEvent): boolean {
  return kind === "introduced" && at === "0";
}

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** Without the history only the commits that are named can be judged. */
function inCommits(range: VersionRange, version: string): boolean | undefined {
  // A release's number says nothing of commits: the other ranges and the list speak for it.
  if (!COMMIT.test(version)) return false;
  for (const [kind, at] of range.events) {
    if (at !== version) continue;
    return kind === "introduced" || kind === "last_affected";
  }
  return undefined;
}

/** Fixes after the version that no range of the same package affects. */
function laterFixes(versions: AffectedVersions, version: JudgedVersion): string[] {
  const fixes = new Set<string>();
  const ranges = (versions.ranges ?? []).filter(({ type }) => type !== "GIT");
  for (const range of ranges) {
    const order = version.orderOf(range);
    for (const [kind, at] of range.events) {
      if (kind !== "fixed" || (order.compare(at, version.text) ?? -1) <= 0) continue;
      if (!ranges.some((other) => inRange(other, at, version.orderOf(other)) === true)) fixes.add(at);
    }
  }
  return [...fixes];
}
