// A record of the OSV schema (1.7), as the database keeps it.
import { z } from "zod";
import type { Severity } from "@pratique/contracts";
import type { Advisory, AffectedPackage, RangeEvent, VersionRange } from "../database/advisory.ts";
import { ecosystemFamily, packageKey } from "../database/ecosystem.ts";
import { inRange } from "../match/in-ranges.ts";
import { scoreOfVectors, severityOfScore, severityOfWord } from "../match/severity.ts";
import { semanticVersions, versionOrderOf } from "../versions/order-of.ts";
import { plainLine } from "./limits.ts";

const Version = z.string().max(1024);
const ID = /^[A-Za-z0-9][A-Za-z0-9._:+/-]{0,199}$/;

const Event = z.object({
  introduced: Version.optional(),
  fixed: Version.optional(),
  last_affected: Version.optional(),
  limit: Version.optional(),
});

const OsvSeverity = z.object({ type: z.string().max(50), score: z.string().max(1000) });

/** What others write freely: looked into for a word, never relied upon. */
const Specific = z.record(z.string(), z.unknown());

const OsvRecord = z.object({
  id: z.string().regex(ID),
  modified: z.string().max(64),
  withdrawn: z.string().max(64).optional(),
  aliases: z.array(z.string()).max(1000).nullish(),
  upstream: z.array(z.string()).max(10_000).nullish(),
  summary: z.string().optional(),
  details: z.string().optional(),
  severity: z.array(OsvSeverity).max(100).nullish(),
  database_specific: Specific.nullish(),
  affected: z
    .array(
      z.object({
        package: z.object({ ecosystem: z.string().min(1).max(200), name: z.string().min(1).max(1000) }).optional(),
        severity: z.array(OsvSeverity).max(100).nullish(),
        ranges: z
          .array(z.object({ type: z.enum(["SEMVER", "ECOSYSTEM", "GIT"]), events: z.array(Event).max(10_000) }))
          .max(10_000)
          .nullish(),
        versions: z.array(Version).max(200_000).nullish(),
        ecosystem_specific: Specific.nullish(),
        database_specific: Specific.nullish(),
      }),
    )
    .max(50_000)
    .nullish(),
});
type OsvRecord = z.infer<typeof OsvRecord>;
type OsvAffected = NonNullable<OsvRecord["affected"]>[number];

/** @throws ZodError when it is no sound record */
export function readOsvRecord(value: unknown): Advisory {
  const record = OsvRecord.parse(value);
  const { id, summary = record.details } = record;
  // A name that is none costs its record nothing but that name.
  const aliases = (record.aliases ?? []).filter((alias) => alias !== id && ID.test(alias));
  const upstream = (record.upstream ?? []).filter((name) => ID.test(name));
  const score = scoreOfVectors(vectorsOf(record.severity ?? []));
  // A distribution's own priority (`type: "Ubuntu"`) holds for its packages whatever the score says.
  const priority = wordOf(record.severity ?? []);
  const word = severityOfSpecific(record.database_specific) ?? priority;
  const severity = score === undefined ? word : severityOfScore(score);
  return {
    id,
    modified: normalTime(record.modified),
    ...(record.withdrawn === undefined ? {} : { withdrawn: true }),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(upstream.length === 0 ? {} : { upstream }),
    ...(summary === undefined || summary === "" ? {} : { summary: plainLine(summary) }),
    ...(severity === undefined ? {} : { severity }),
    ...(score === undefined ? {} : { score }),
    ...(id.startsWith("MAL-") ? { malicious: true } : {}),
    affected: (record.affected ?? []).flatMap((affected) => affectedPackage(affected, priority) ?? []),
  };
}

/** Times are compared as text, so they are all written alike. @throws TypeError when it is no time */
export function normalTime(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new TypeError(`${plainLine(text, 40)} is no time`);
  return time.toISOString();
}

/** Undefined for one that names no package, such as a repository's commits alone. */
function affectedPackage(affected: OsvAffected, priority: Severity | undefined): AffectedPackage | undefined {
  if (affected.package === undefined) return undefined;
  const key = packageKey(affected.package.ecosystem, affected.package.name);
  const ranges = (affected.ranges ?? []).map(({ type, events }): VersionRange => ({
    type,
    events: events.flatMap(eventsOf),
  }));
  const versions = unimplied(affected.versions ?? [], ranges, ecosystemFamily(key.ecosystem));
  const severity = ownSeverity(affected) ?? priority;
  return {
    ...key,
    ...(ranges.length === 0 ? {} : { ranges }),
    ...(versions.length === 0 ? {} : { versions }),
    ...(severity === undefined ? {} : { severity }),
  };
}

function eventsOf(event: z.infer<typeof Event>): RangeEvent[] {
  const { introduced, fixed, last_affected: lastAffected, limit } = event;
  return [
    ...(introduced === undefined ? [] : [["introduced", introduced] satisfies RangeEvent]),
    ...(fixed === undefined ? [] : [["fixed", fixed] satisfies RangeEvent]),
    ...(lastAffected === undefined ? [] : [["last_affected", lastAffected] satisfies RangeEvent]),
    ...(limit === undefined ? [] : [["limit", limit] satisfies RangeEvent]),
  ];
}

/** The listed versions that no range says already: distributions list every version, and it would be most of the database. */
function unimplied(versions: readonly string[], ranges: readonly VersionRange[], family: string): string[] {
  const order = versionOrderOf(family);
  if (order === undefined || ranges.length === 0) return [...versions];
  return versions.filter(
    (version) =>
      !ranges.some(
        (range) =>
          range.type !== "GIT" &&
          inRange(range, version, range.type === "SEMVER" && family !== "Go" ? semanticVersions : order) === true,
      ),
  );
}

/** Of this package alone: a distribution's urgency, or a score of its own. */
function ownSeverity(affected: OsvAffected): Severity | undefined {
  const word =
    severityOfSpecific(affected.ecosystem_specific) ??
    wordOf(affected.severity ?? []) ??
    severityOfSpecific(affected.database_specific);
  if (word !== undefined) return word;
  const score = scoreOfVectors(vectorsOf(affected.severity ?? []));
  return score === undefined ? undefined : severityOfScore(score);
}

function vectorsOf(severities: readonly z.infer<typeof OsvSeverity>[]): string[] {
  return severities.filter(({ type }) => /^CVSS_V\d$/.test(type)).map(({ score }) => score);
}

function wordOf(severities: readonly z.infer<typeof OsvSeverity>[]): Severity | undefined {
  return severities.flatMap(({ type, score }) => (type.startsWith("CVSS") ? [] : (severityOfWord(score) ?? [])))[0];
}

function severityOfSpecific(specific: z.infer<typeof Specific> | null | undefined): Severity | undefined {
  for (const key of ["severity", "urgency"]) {
    const word = specific?.[key];
    const severity = typeof word === "string" ? severityOfWord(word) : undefined;
    if (severity !== undefined) return severity;
  }
  return undefined;
}
