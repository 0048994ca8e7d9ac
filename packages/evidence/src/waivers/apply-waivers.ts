// What waivers do to one artifact at one time: pure.
import type { AppliedWaiver, Finding, Waiver } from "@pratique/contracts";
import type { SignedWaiver, WaiverBook } from "./waiver-book.ts";

export interface WaiverGround {
  readonly repository: string;
  readonly digest: string;
  readonly now: Date;
  readonly fits: WaiverBook["fits"];
}

export interface AppliedWaivers {
  readonly applied: (AppliedWaiver & Pick<SignedWaiver, "bundle">)[];
  /** Findings that no waiver leaves out. */
  readonly findings: readonly Finding[];
  /** Milliseconds: when it may be otherwise, since a waiver begins or ends. */
  readonly until: number;
}

export function applyWaivers(
  signed: readonly SignedWaiver[],
  findings: readonly Finding[],
  ground: WaiverGround,
): AppliedWaivers {
  const now = ground.now.getTime();
  let until = Number.POSITIVE_INFINITY;
  const applied: AppliedWaivers["applied"] = [];
  const left = new Set<Finding>();
  for (const { waiver, bundle } of uniqueById(signed)) {
    if (!concerns(waiver, ground)) continue;
    const begins = Date.parse(waiver.created);
    const ends = Date.parse(waiver.expires);
    if (now < begins) until = Math.min(until, begins);
    if (now < begins || now >= ends) continue;
    until = Math.min(until, ends);
    const waived = waiver.scope.policy === undefined ? findings.filter((finding) => isWaived(finding, waiver)) : [];
    for (const finding of waived) left.add(finding);
    const { id, reason, by, expires } = waiver;
    const { policy } = waiver.scope;
    const ids = [...new Set(waived.map((finding) => finding.id))].sort();
    applied.push({ id, ...(policy === undefined ? {} : { policy }), findings: ids, reason, by, expires, bundle });
  }
  return { applied, findings: findings.filter((finding) => !left.has(finding)), until };
}

/** The same waiver may stand in the book and hang on the artifact. */
function uniqueById(signed: readonly SignedWaiver[]): SignedWaiver[] {
  return [...new Map(signed.map((one) => [one.waiver.id, one])).values()];
}

function concerns({ scope }: Waiver, { repository, digest, fits }: WaiverGround): boolean {
  if (scope.artifact !== undefined && scope.artifact !== digest) return false;
  return scope.repository === undefined || fits(scope.repository, repository);
}

function isWaived(finding: Finding, { scope }: Waiver): boolean {
  const { vulnerability, package: name } = scope;
  if (vulnerability !== undefined && finding.id !== vulnerability && !finding.aliases.includes(vulnerability))
    return false;
  return name === undefined || isOfPackage(finding.purl, name);
}

/** By purl, with or without version and qualifiers, or by the bare name as the purl writes it last. */
function isOfPackage(purl: string, name: string): boolean {
  const [bare = ""] = purl.split(/[?#]/, 1);
  const at = bare.lastIndexOf("@");
  const unversioned = at > 0 ? bare.slice(0, at) : bare;
  if (name.startsWith("pkg:")) return name === purl || name === bare || name === unversioned;
  const decoded = decodeName(unversioned.slice(unversioned.indexOf("/") + 1));
  return decoded === name || decoded.slice(decoded.lastIndexOf("/") + 1) === name;
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
