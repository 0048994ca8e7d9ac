// An advisory as the database keeps it, and how it is written there and read back.
import { Severity } from "@pratique/contracts";
import type { NewAdvisory, PackageKey } from "@pratique/store";
import { z } from "zod";

export type EventKind = "introduced" | "fixed" | "last_affected" | "limit";
export type RangeEvent = readonly [kind: EventKind, version: string];

export interface VersionRange {
  readonly type: "SEMVER" | "ECOSYSTEM" | "GIT";
  readonly events: readonly RangeEvent[];
}

const OtherVersions = z.object({
  versions: z.array(z.string()).optional(),
  /** A distribution's own judgement for this package and release. */
  severity: Severity.optional(),
  /** The distribution does not know yet. */
  undetermined: z.boolean().optional(),
  /** Of a modular rpm: `nodejs:18`. */
  module: z.string().optional(),
});

/** What is said of the versions of one package. */
export interface AffectedVersions extends z.infer<typeof OtherVersions> {
  readonly ranges?: readonly VersionRange[] | undefined;
}

export type AffectedPackage = PackageKey & AffectedVersions;

const AdvisoryFacts = z.object({
  /** The same vulnerability under other names. */
  aliases: z.array(z.string()).optional(),
  /** Vulnerabilities that a distribution's advisory is about: one finding each. */
  upstream: z.array(z.string()).optional(),
  summary: z.string().optional(),
  severity: Severity.optional(),
  /** CVSS base score. */
  score: z.number().optional(),
  malicious: z.boolean().optional(),
});
export type AdvisoryFacts = z.infer<typeof AdvisoryFacts>;

export interface Advisory extends AdvisoryFacts {
  readonly id: string;
  /** RFC 3339; empty when the source does not say. */
  readonly modified: string;
  readonly withdrawn?: boolean;
  readonly affected: readonly AffectedPackage[];
}

/** Stands between an id and its count where a source has it several times; no id holds it. */
export const REPEATED = "#";

/** The id without the count. */
export function plainId(id: string): string {
  return id.split(REPEATED)[0] ?? id;
}

/** The row of an advisory of a source. A withdrawn one stays, concerning nothing, so that its time is known. */
export function encodeAdvisory(source: string, advisory: Advisory): NewAdvisory {
  const { id, modified, withdrawn = false, affected, ...facts } = advisory;
  return {
    source,
    id,
    modified,
    body: JSON.stringify(facts),
    names: [...new Set([id, ...(facts.aliases ?? []), ...(facts.upstream ?? [])])],
    affected: withdrawn
      ? []
      : affected.map(({ ecosystem, name, ...versions }) => ({ ecosystem, name, body: encodeAffected(versions) })),
  };
}

export function decodeFacts(body: string): AdvisoryFacts {
  return AdvisoryFacts.parse(JSON.parse(body));
}

/**
 * What `encodeAffected` wrote: a list of the ranges and, where there is more, an object of that. A range is its type
 * and its events, each the first letter of its kind and the version. Read by hand: there are hundreds of thousands.
 */
export function decodeAffected(body: string): AffectedVersions {
  const parsed: unknown = JSON.parse(body);
  if (!Array.isArray(parsed) || !Array.isArray(parsed[0])) throw damaged();
  const ranges = parsed[0].map(decodeRange);
  const rest: unknown = parsed[1];
  if (rest === undefined) return { ranges };
  return ranges.length === 0 ? OtherVersions.parse(rest) : { ...OtherVersions.parse(rest), ranges };
}

const TYPES = { S: "SEMVER", E: "ECOSYSTEM", G: "GIT" } as const;
const KINDS = { i: "introduced", f: "fixed", l: "last_affected", L: "limit" } as const;
const LETTERS = { introduced: "i", fixed: "f", last_affected: "l", limit: "L" } as const;

function encodeAffected({ ranges = [], ...rest }: AffectedVersions): string {
  const written = ranges.map(({ type, events }) => [
    type.slice(0, 1),
    ...events.map(([kind, at]) => LETTERS[kind] + at),
  ]);
  return JSON.stringify(Object.keys(rest).length === 0 ? [written] : [written, rest]);
}

function decodeRange(written: unknown): VersionRange {
  if (!Array.isArray(written)) throw damaged();
  const [type, ...events]: unknown[] = written;
  return { type: TYPES[letterOf(TYPES, type)], events: events.map(decodeEvent) };
}

function decodeEvent(written: unknown): RangeEvent {
  if (typeof written !== "string") throw damaged();
  return [KINDS[letterOf(KINDS, written.charAt(0))], written.slice(1)];
}

function letterOf<T extends object>(table: T, letter: unknown): keyof T {
  if (typeof letter !== "string" || !isKey(table, letter)) throw damaged();
  return letter;
}

function isKey<T extends object>(table: T, key: string): key is keyof T & string {
  return Object.hasOwn(table, key);
}

function damaged(): TypeError {
  return new TypeError("an advisory in the database is damaged");
}
