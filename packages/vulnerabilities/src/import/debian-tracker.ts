// The Debian security tracker's JSON: https://security-tracker.debian.org/tracker/data/json
import { z } from "zod";
import type { Advisory, AffectedPackage } from "../database/advisory.ts";
import { severityOfWord } from "../match/severity.ts";
import { plainLine } from "./limits.ts";

const Release = z.object({
  status: z.enum(["open", "resolved", "undetermined"]),
  fixed_version: z.string().max(1024).optional(),
  urgency: z.string().max(100).optional(),
});

const Issue = z.object({
  description: z.string().optional(),
  releases: z.record(z.string(), Release).default({}),
});

const Tracker = z.record(z.string().min(1).max(200), z.record(z.string().min(1).max(200), Issue));

/** The tracker says only the name. */
const NUMBERS: Readonly<Record<string, string>> = {
  stretch: "9",
  buster: "10",
  bullseye: "11",
  bookworm: "12",
  trixie: "13",
  forky: "14",
  duke: "15",
  sid: "sid",
};

/** One advisory for each vulnerability, over all source packages. @throws ZodError */
export function readDebianTracker(value: unknown): Advisory[] {
  const found = new Map<string, { summary?: string; affected: AffectedPackage[] }>();
  for (const [name, issues] of Object.entries(Tracker.parse(value))) {
    for (const [id, issue] of Object.entries(issues)) {
      const advisory = found.get(id) ?? { affected: [] };
      found.set(id, advisory);
      if (issue.description !== undefined) advisory.summary ??= plainLine(issue.description);
      for (const [codename, release] of Object.entries(issue.releases)) {
        const affected = affectedIn(codename, name, release);
        if (affected !== undefined) advisory.affected.push(affected);
      }
    }
  }
  return [...found].map(([id, advisory]) => ({ id, modified: "", ...advisory }));
}

function affectedIn(codename: string, name: string, release: z.infer<typeof Release>): AffectedPackage | undefined {
  const number = Object.hasOwn(NUMBERS, codename) ? NUMBERS[codename] : undefined;
  if (number === undefined) return undefined;
  const { status, fixed_version: fixed, urgency = "" } = release;
  // Resolved in version 0: the release was never affected.
  if (status === "resolved" && (fixed === undefined || fixed === "0")) return undefined;
  const severity = severityOfWord(urgency);
  return {
    ecosystem: `Debian:${number}`,
    name,
    ranges: [
      {
        type: "ECOSYSTEM",
        events: [
          ["introduced", "0"],
          ...(status === "resolved" && fixed !== undefined ? [["fixed", fixed] as ["fixed", string]] : []),
        ],
      },
    ],
    ...(severity === undefined ? {} : { severity }),
    ...(status === "undetermined" ? { undetermined: true } : {}),
  };
}
