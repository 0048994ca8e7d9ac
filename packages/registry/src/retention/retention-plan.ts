// Which tags and manifests of a repository go, and which rule keeps the others: pure, so that a dry run cannot differ.
import type { HousekeepingConfig } from "@pratique/contracts";
import type { Digest } from "@pratique/core";
import type { ManifestFacts } from "@pratique/oci";
import { boundTo } from "../bound-tag.ts";
import { fitsRepository, fitsTag } from "../pattern.ts";

export type RetentionRule = HousekeepingConfig["retention"]["rules"][number];
type KeepTags = NonNullable<RetentionRule["keepTags"]>[number];

/** A repository as it is, all times in milliseconds since 1970. */
export interface RepositoryState {
  readonly repository: string;
  readonly tags: ReadonlyMap<string, { readonly digest: Digest; readonly pushedAt: number }>;
  readonly manifests: readonly ManifestFacts[];
  readonly times: ReadonlyMap<Digest, { readonly pushedAt: number; readonly pulledAt: number | undefined }>;
  /** Since when a manifest has had no tag, where history knows. */
  readonly untaggedSince: ReadonlyMap<Digest, number>;
  /** Manifests that must stay whatever the rules say, and why. */
  readonly pinned: ReadonlyMap<Digest, string>;
  /** Tags that may not be deleted. */
  readonly isImmutable: (tag: string) => boolean;
}

export interface PlannedTag {
  readonly tag: string;
  readonly digest: Digest;
  readonly reason: string;
}

export interface PlannedManifest {
  readonly digest: Digest;
  readonly reason: string;
}

export interface RetentionPlan {
  readonly keptTags: readonly PlannedTag[];
  readonly removedTags: readonly PlannedTag[];
  readonly keptManifests: readonly PlannedManifest[];
  /** In an order in which each can be deleted: an index before what it lists. */
  readonly removedManifests: readonly PlannedManifest[];
}

/** The rule that counts for a repository. */
export function ruleFor(rules: readonly RetentionRule[], repository: string): RetentionRule | undefined {
  return rules.find((rule) => fitsRepository(rule.repository, repository));
}

export function planRetention(rule: RetentionRule, state: RepositoryState, now: number): RetentionPlan {
  const bound = boundTags(state);
  const reasons = tagReasons(rule, state, bound, now);
  const manifests = planManifests(rule, state, { reasons, bound }, now);
  const [keptTags, removedTags]: [PlannedTag[], PlannedTag[]] = [[], []];
  for (const [tag, { digest }] of [...state.tags].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const reason = reasons.get(tag);
    if (reason !== undefined) keptTags.push({ tag, digest, reason });
    else removedTags.push({ tag, digest, reason: bound.has(tag) ? "its subject goes" : "no rule keeps this tag" });
  }
  return { keptTags, removedTags, ...manifests };
}

/** Tags that belong to a manifest by their name: they come and go with it. */
function boundTags({ tags, manifests }: RepositoryState): ReadonlyMap<string, Digest> {
  const bound = new Map<string, Digest>();
  for (const tag of tags.keys()) {
    const start = boundTo(tag);
    if (start === undefined) continue;
    const subject = manifests.find(({ descriptor }) => descriptor.digest.startsWith(start));
    if (subject !== undefined) bound.set(tag, subject.descriptor.digest);
  }
  return bound;
}

/** Why each tag stays that is not bound; a tag that is missing goes. */
function tagReasons(
  { keepTags }: RetentionRule,
  state: RepositoryState,
  bound: ReadonlyMap<string, Digest>,
  now: number,
): Map<string, string> {
  const reasons = new Map<string, string>();
  const keep = (tag: string, reason: string): void => {
    if (!reasons.has(tag)) reasons.set(tag, reason);
  };
  const tags = new Map([...state.tags].filter(([tag]) => !bound.has(tag)));
  for (const [tag, { digest }] of state.tags) {
    const pin = state.pinned.get(digest);
    if (state.isImmutable(tag)) keep(tag, "the tag is immutable");
    // Of what must stay the tag stays too, since that is how people find it. What only history holds has other names.
    else if (pin !== undefined && pin !== IN_HISTORY) keep(tag, pin);
    if (keepTags === undefined && tags.has(tag)) keep(tag, "no rule is about tags");
  }
  for (const rule of keepTags ?? []) applyKeep(rule, { tags, times: state.times }, now, keep);
  return reasons;
}

/** Why a manifest of a tag's past stays. */
export const IN_HISTORY = "the history of its tag can lead back to it";

function applyKeep(
  { tags: patterns, lastPushed, lastPulled, pushedWithin, pulledWithin }: KeepTags,
  { tags, times }: Pick<RepositoryState, "tags" | "times">,
  now: number,
  keep: (tag: string, reason: string) => void,
): void {
  const fitting = [...tags].filter(([tag]) => fitsTag(patterns, tag));
  const name = patterns.join(", ");
  const pulledAt = (digest: Digest): number => times.get(digest)?.pulledAt ?? -Infinity;
  const newest = <T>(items: readonly T[], timeOf: (item: T) => number, count: number): T[] =>
    items.toSorted((a, b) => timeOf(b) - timeOf(a)).slice(0, count);
  if ((lastPushed ?? lastPulled ?? pushedWithin ?? pulledWithin) === undefined) {
    for (const [tag] of fitting) keep(tag, `tags ${name} stay`);
  }
  // The tag's name decides between equal times, so that every run decides alike.
  const byName = fitting.toSorted(([a], [b]) => (a < b ? 1 : -1));
  for (const [tag] of newest(byName, ([, { pushedAt }]) => pushedAt, lastPushed ?? 0)) {
    keep(tag, `one of the last ${lastPushed} pushed of ${name}`);
  }
  const pulled = byName.filter(([, { digest }]) => pulledAt(digest) > -Infinity);
  for (const [tag] of newest(pulled, ([, { digest }]) => pulledAt(digest), lastPulled ?? 0)) {
    keep(tag, `one of the last ${lastPulled} pulled of ${name}`);
  }
  for (const [tag, { digest, pushedAt }] of fitting) {
    if (pushedWithin !== undefined && now - pushedAt <= pushedWithin) keep(tag, `pushed recently, of ${name}`);
    if (pulledWithin !== undefined && now - pulledAt(digest) <= pulledWithin) keep(tag, `pulled recently, of ${name}`);
  }
}

/** Adds to `reasons` the bound tags whose subject stays. */
function planManifests(
  rule: RetentionRule,
  state: RepositoryState,
  { reasons: tagReasons, bound }: { reasons: Map<string, string>; bound: ReadonlyMap<string, Digest> },
  now: number,
): Pick<RetentionPlan, "keptManifests" | "removedManifests"> {
  const byDigest = new Map(state.manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
  const losing = new Set([...state.tags].flatMap(([tag, { digest }]) => (tagReasons.has(tag) ? [] : [digest])));
  const reasons = new Map<Digest, string>();
  const queue: Digest[] = [];
  const keep = (digest: Digest, reason: string): void => {
    if (reasons.has(digest) || !byDigest.has(digest)) return;
    reasons.set(digest, reason);
    queue.push(digest);
  };
  const referrers = Map.groupBy(state.manifests, ({ subject }) => subject);
  const tagsBoundTo = Map.groupBy(bound.keys(), (tag) => bound.get(tag));
  for (const [tag, { digest }] of state.tags) if (tagReasons.has(tag)) keep(digest, `tag ${tag}`);
  for (const [digest, reason] of state.pinned) keep(digest, reason);
  const isAlone = aloneIn(state.manifests);
  for (const { descriptor, subject } of state.manifests) {
    const { digest } = descriptor;
    // A part goes with its index, a referrer with its subject: of themselves they are never too old.
    if (!isAlone(digest) || (subject !== undefined && byDigest.has(subject))) continue;
    if (losing.has(digest)) continue;
    const since = state.untaggedSince.get(digest) ?? state.times.get(digest)?.pushedAt ?? now;
    if (rule.deleteUntaggedAfter === undefined) keep(digest, "no rule is about manifests without a tag");
    else if (now - since <= rule.deleteUntaggedAfter) keep(digest, "without a tag for a short time only");
  }
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    const manifest = byDigest.get(digest)!;
    if (manifest.isIndex) for (const part of manifest.content) keep(part, `part of ${digest}`);
    for (const { descriptor } of referrers.get(digest) ?? []) keep(descriptor.digest, `refers to ${digest}`);
    for (const tag of tagsBoundTo.get(digest) ?? []) {
      if (!tagReasons.has(tag)) tagReasons.set(tag, `belongs to ${digest}`);
      keep(state.tags.get(tag)!.digest, `tag ${tag}`);
    }
  }
  const removed = state.manifests.filter(({ descriptor }) => !reasons.has(descriptor.digest));
  return {
    keptManifests: [...reasons].map(([digest, reason]) => ({ digest, reason })),
    removedManifests: indexesFirst(removed).map(({ descriptor: { digest }, subject }) => {
      const why = losing.has(digest) ? "its tags go" : "no tag leads to it";
      return { digest, reason: subject !== undefined && !losing.has(digest) ? `refers to ${subject}` : why };
    }),
  };
}

/** True for a manifest that no index lists. */
function aloneIn(manifests: readonly ManifestFacts[]): (digest: Digest) => boolean {
  const listed = new Set(manifests.flatMap(({ isIndex, content }) => (isIndex ? [...content] : [])));
  return (digest) => !listed.has(digest);
}

/** The store does not delete what an index lists while that index is there. */
function indexesFirst(manifests: readonly ManifestFacts[]): ManifestFacts[] {
  const byDigest = new Map(manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
  const ordered: ManifestFacts[] = [];
  const parents = new Map<Digest, number>();
  for (const { isIndex, content } of manifests) {
    if (isIndex) for (const part of content) parents.set(part, (parents.get(part) ?? 0) + 1);
  }
  const free = manifests.filter(({ descriptor }) => (parents.get(descriptor.digest) ?? 0) === 0);
  for (let next = free.pop(); next !== undefined; next = free.pop()) {
    ordered.push(next);
    for (const part of next.isIndex ? next.content : []) {
      const left = (parents.get(part) ?? 1) - 1;
      parents.set(part, left);
      const manifest = byDigest.get(part);
      if (left === 0 && manifest !== undefined) free.push(manifest);
    }
  }
  return ordered;
}
