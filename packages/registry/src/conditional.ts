// Conditional requests (RFC 9110 §13). The entity tag of content is its digest.
import type { Digest } from "@pratique/core";

export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

function lists(header: string, digest: Digest, isWeakFine: boolean): boolean {
  const wanted = entityTag(digest);
  return header.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" || tag === wanted || (isWeakFine && tag === `W/${wanted}`);
  });
}

/** True when `If-None-Match` says that the client has exactly this. */
export function hasAlready(ifNoneMatch: string | undefined, digest: Digest): boolean {
  return ifNoneMatch !== undefined && lists(ifNoneMatch, digest, true);
}

/** True when a `Range` applies: there is no `If-Range`, or it names this content. A date never does: there are none. */
export function rangeApplies(ifRange: string | readonly string[] | undefined, digest: Digest): boolean {
  return ifRange === undefined || (typeof ifRange === "string" && ifRange.trim() === entityTag(digest));
}

export interface WriteConditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/** True when what stands there now (or nothing) is what a conditional write expects. */
export function mayReplace(conditions: WriteConditions, current: Digest | undefined): boolean {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch !== undefined && (current === undefined || !lists(ifMatch, current, false))) return false;
  return ifNoneMatch === undefined || current === undefined || !lists(ifNoneMatch, current, true);
}
