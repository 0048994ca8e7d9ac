// An advisory as the database keeps it, and how it is written there and read back.
import { Severity } from "@pratique/contracts";
import type { NewAdvisory, PackageKey } from "@pratique/store";
import { z } from "zod";

/** [kind, version]: introduced, fixed, last affected, limit. */
const RangeEvent = z.tuple([z.enum(["introduced", "fixed", "last_affected", "limit"]), z.string()]);
export type RangeEvent = z.infer<typeof RangeEvent>;

const VersionRange = z.object({ type: z.enum(["SEMVER", "ECOSYSTEM", "GIT"]), events: z.array(RangeEvent) });
export type VersionRange = z.infer<typeof VersionRange>;

/** What is said of the versions of one package. */
const AffectedVersions = z.object({
  ranges: z.array(VersionRange).optional(),
  versions: z.array(z.string()).optional(),
  /** A distribution's own judgement for this package and release. */
  severity: Severity.optional(),
  /** The distribution does not know yet. */
  undetermined: z.boolean().optional(),
  /** Of a modular rpm: `nodejs:18`. */
  module: z.string().optional(),
});
export type AffectedVersions = z.infer<typeof AffectedVersions>;

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
      : affected.map(({ ecosystem, name, ...versions }) => ({ ecosystem, name, body: JSON.stringify(versions) })),
  };
}

export function decodeFacts(body: string): AdvisoryFacts {
  return AdvisoryFacts.parse(JSON.parse(body));
}

export function decodeAffected(body: string): AffectedVersions {
  return AffectedVersions.parse(JSON.parse(body));
}
