// An artifact as policy sees it: its evidence as Cedar attributes.
import type { Evidence } from "@pratique/contracts";
import type { GuardResource } from "@pratique/guard";
import { isCleared } from "./clearance.ts";
import { OWNER } from "./trust.ts";

/** The age of what has no date: older than any policy allows. */
const UNKNOWN_AGE_DAYS = 36_500;
const DAY_MS = 86_400_000;

export interface ArtifactResourceOptions {
  /** How the artifact is named in records and denials. */
  readonly reference: string;
  /** The policy in force: clearances under another do not count. */
  readonly policyDigest: string;
  readonly now: Date;
  /** The registry's host. */
  readonly registry: string;
  /** Where it was looked into whether its clearance stands; otherwise a signed one decides alone. */
  readonly cleared?: boolean;
}

/** The Cedar entity of an artifact, in its repository, in its registry. */
export function artifactResource(evidence: Evidence, options: ArtifactResourceOptions): GuardResource {
  const { reference, policyDigest, now, registry, cleared } = options;
  const { provenance, vulnerabilities } = evidence;
  // What an impostor says of a build platform must not meet a policy that only asks which one it was.
  const believed = (provenance?.unmet ?? []).length === 0 ? provenance : undefined;
  const names = [...new Set(evidence.signers.map(({ name }) => name))].sort();
  return {
    type: "Artifact",
    id: reference,
    digest: evidence.digest,
    attributes: {
      kind: evidence.kind,
      repository: evidence.repository,
      registry,
      digest: evidence.digest,
      imageType: evidence.imageType,
      signed: names.length > 0,
      signers: names,
      signedByOwner: names.includes(OWNER),
      identities: identitiesOf(evidence),
      provenance: believed !== undefined,
      ...(believed !== undefined && speaksForItsBuilder(believed) ? { builder: believed.builder } : {}),
      ...(believed?.source === undefined ? {} : { source: believed.source }),
      slsaLevel: believed?.slsaLevel ?? 0,
      requirementsMet: (evidence.unmet ?? []).length === 0,
      sbom: evidence.sbom !== undefined,
      aibom: evidence.aibom !== undefined,
      licences: evidence.licences,
      pickle: evidence.pickle === true,
      vulnerabilitiesChecked: vulnerabilities.status === "checked",
      vulnerabilityStatus: vulnerabilities.status,
      vulnerabilityDataAgeDays: ageInDays(vulnerabilities.databaseTime, now),
      critical: vulnerabilities.critical,
      high: vulnerabilities.high,
      medium: vulnerabilities.medium,
      low: vulnerabilities.low,
      unknown: vulnerabilities.unknown,
      criticalWithFix: vulnerabilities.criticalWithFix,
      knownExploited: vulnerabilities.knownExploited,
      malicious: vulnerabilities.malicious,
      waived: waivedPolicies(evidence),
      cleared: cleared ?? isCleared(evidence, policyDigest),
      ageDays: ageInDays(evidence.created, now),
    },
    parents: [
      {
        type: "Repository",
        id: `${registry}/${evidence.repository}`,
        attributes: { name: evidence.repository },
        parents: [{ type: "Registry", id: registry, attributes: { host: registry } }],
      },
    ],
  };
}

/** Keyless signers: a key has neither issuer nor subject. */
function identitiesOf({ signers }: Evidence): string[] {
  const identities = signers.flatMap(({ issuer, subject }) =>
    issuer === undefined || subject === undefined ? [] : [`${issuer} ${subject}`],
  );
  return [...new Set(identities)].sort();
}

function waivedPolicies({ waivers = [] }: Evidence): string[] {
  return [...new Set(waivers.flatMap(({ policy }) => policy ?? []))].sort();
}

function ageInDays(created: string | undefined, now: Date): number {
  if (created === undefined) return UNKNOWN_AGE_DAYS;
  const days = Math.floor((now.getTime() - Date.parse(created)) / DAY_MS);
  return Number.isNaN(days) ? UNKNOWN_AGE_DAYS : Math.min(Math.max(days, 0), UNKNOWN_AGE_DAYS);
}

/** Nobody but this machine's owner is a build platform without `trust.builders` saying so: its name is free to claim. */
function speaksForItsBuilder({ builderName, signer }: NonNullable<Evidence["provenance"]>): boolean {
  return builderName !== undefined || signer.name === OWNER;
}
