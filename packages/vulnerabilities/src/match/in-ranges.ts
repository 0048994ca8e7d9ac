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

/** `family` is the ecosystem without its release, `order` the order of its versions. */
export function judgeVersion(
  versions: AffectedVersions,
  version: string,
  family: string,
  order: TextOrder,
): VersionVerdict {
  let isAffected = false;
  let isUncertain = false;
  for (const range of versions.ranges ?? []) {
    const verdict =
      range.type === "GIT" ? inCommits(range, version) : inRange(range, version, orderOfRange(range, family, order));
    if (verdict === undefined) isUncertain = true;
    else if (verdict) isAffected = true;
  }
  if (!isAffected && isListed(versions.versions ?? [], version, order)) isAffected = true;
  return { isAffected, isUncertain, fixes: isAffected ? laterFixes(versions, version, family, order) : [] };
}

/** Go's toolchain has versions that SemVer does not read, and its modules are in SemVer order anyway. */
function orderOfRange(range: VersionRange, family: string, order: TextOrder): TextOrder {
  return range.type === "SEMVER" && family !== "Go" ? semanticVersions : order;
}

function isListed(list: readonly string[], version: string, order: TextOrder): boolean {
  if (list.length === 0) return false;
  if (list.includes(version)) return true;
  const compare = order.against(version);
  return compare !== undefined && list.some((listed) => compare(listed) === 0);
}

/** Undefined when an event that matters cannot be compared. */
export function inRange(range: VersionRange, version: string, order: TextOrder): boolean | undefined {
  const compare = order.against(version);
  if (compare === undefined) {
    // Without an order only "everything, and no fix" can be told.
    return range.events.every(([kind, at]) => kind === "introduced" && at === "0") && range.events.length > 0
      ? true
      : undefined;
  }
  const limits = range.events.filter(([kind]) => kind === "limit");
  if (limits.length > 0 && !limits.some(([, at]) => at === "*" || (compare(at) ?? 0) < 0)) return false;
  let isIn = false;
  const events = sortedEvents(range.events, order);
  if (events === undefined) return undefined;
  for (const [kind, at] of events) {
    const reached = at === "0" && kind === "introduced" ? 1 : compare(at);
    if (reached === undefined) return undefined;
    if (kind === "introduced" && reached >= 0) isIn = true;
    else if (kind === "fixed" && reached >= 0) isIn = false;
    else if (kind === "last_affected" && reached > 0) isIn = false;
  }
  return isIn;
}

/** By version; those at the same version keep the order in which they were written. */
function sortedEvents(events: readonly RangeEvent[], order: TextOrder): RangeEvent[] | undefined {
  const relevant = events.filter(([kind]) => kind !== "limit");
  let isComparable = true;
  const sorted = relevant.toSorted((a, b) => {
    if (isStart(a) || isStart(b)) return Number(isStart(b)) - Number(isStart(a));
    const compared = order.compare(a[1], b[1]);
    if (compared === undefined) isComparable = false;
    return compared ?? 0;
  });
  return isComparable ? sorted : undefined;
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

/** Fixes after `version` that no range of the same package affects. */
function laterFixes(versions: AffectedVersions, version: string, family: string, order: TextOrder): string[] {
  const fixes = new Set<string>();
  const ranges = (versions.ranges ?? []).filter(({ type }) => type !== "GIT");
  for (const range of ranges) {
    const rangeOrder = orderOfRange(range, family, order);
    for (const [kind, at] of range.events) {
      if (kind !== "fixed" || (rangeOrder.compare(at, version) ?? -1) <= 0) continue;
      const isOpen = ranges.some((other) => inRange(other, at, orderOfRange(other, family, order)) === true);
      if (!isOpen) fixes.add(at);
    }
  }
  return [...fixes];
}
