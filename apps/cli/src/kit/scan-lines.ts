// How a scan reads on screen.
import type { ScanFinding, ScanResult, Severity } from "@pratique/contracts";
import { columns, type Terminal, type Tone } from "./terminal.ts";
import { counted, shortDigest } from "./words.ts";

const ORDER: readonly Severity[] = ["none", "unknown", "low", "medium", "high", "critical"];
const TONES: Readonly<Record<Severity, Tone>> = {
  critical: "bad",
  high: "bad",
  medium: "warn",
  low: "dim",
  unknown: "warn",
  none: "dim",
};
const PATHS_SHOWN = 2;

/** What counts against the artifact and is this severe, or worse than any severity: malice. */
export function failingFindings({ findings }: ScanResult, failOn: Severity): ScanFinding[] {
  const least = ORDER.indexOf(failOn);
  return findings.filter(
    (finding) => isOpen(finding) && (finding.malicious || ORDER.indexOf(finding.severity) >= least),
  );
}

export function scanLines(terminal: Terminal, result: ScanResult): string {
  const { findings } = result;
  const open = findings.filter(isOpen);
  const rest = findings.filter((finding) => !isOpen(finding));
  return [
    headLine(terminal, result),
    ...result.lists.map((list) => `  ${listWords(list)}`),
    ...databaseLines(result),
    ...result.reasons.map((reason) => `  ${terminal.paint("warn", "!")} ${reason}`),
    ...result.unread.slice(0, 5).map(({ path, reason }) => `    ${path}: ${reason}`),
    ...(open.length === 0 ? [] : ["", table(terminal, open)]),
    ...(rest.length === 0 ? [] : ["", "explained away", explained(rest)]),
    ...ignoredLines(result),
    "",
    countLine(terminal, result),
    ...(result.attestation === undefined ? [] : [`attached ${shortDigest(result.attestation)}`]),
  ].join("\n");
}

function isOpen({ state }: ScanFinding): boolean {
  return state === "affected" || state === "under_investigation";
}

function headLine(terminal: Terminal, { status, reference, file, digest }: ScanResult): string {
  const name = `${reference ?? file ?? ""}${digest === undefined ? "" : `  ${shortDigest(digest)}`}`;
  return `${terminal.paint(status === "checked" ? "good" : "warn", status)}  ${name}`;
}

function listWords({ origin, signer, digest, components }: ScanResult["lists"][number]): string {
  const from = {
    attestation: `from the bill of materials that ${signer ?? "somebody"} signed`,
    catalogue: "from looking through it",
    file: "from the file",
  }[origin];
  return `${counted(components, "component")} ${from}${digest === undefined ? "" : `, image ${shortDigest(digest)}`}`;
}

function databaseLines({ database }: ScanResult): string[] {
  if (database === undefined || database.version === "none") return [];
  return database.sources.map(({ name, format, freshness, dataTime, checkedAt }) => {
    const time = dataTime ?? checkedAt;
    return `  advisories ${name}${format === undefined ? "" : ` (${format})`}: ${freshness}${time === undefined ? "" : `, as of ${time.slice(0, 10)}`}`;
  });
}

function table(terminal: Terminal, findings: readonly ScanFinding[]): string {
  const head = ["PACKAGE", "INSTALLED", "FIXED IN", "ID", "SEVERITY", "KEV", "EPSS", "WHERE"];
  return columns([head, ...findings.map((finding) => row(terminal, finding))], terminal.width);
}

function row(terminal: Terminal, finding: ScanFinding): string[] {
  const { package: name, installed, fixedIn, id, severity, score, knownExploited, epss, malicious, state } = finding;
  const rated = `${severity}${score === undefined ? "" : ` ${score.toFixed(1)}`}`;
  return [
    name,
    installed,
    fixedIn.slice(0, 3).join(", ") || "-",
    id,
    malicious ? terminal.paint("bad", "MALICIOUS") : terminal.paint(TONES[severity], rated),
    knownExploited ? terminal.paint("bad", "yes") : "-",
    epss === undefined ? "-" : `${(epss * 100).toFixed(1)}%`,
    `${where(finding)}${state === "under_investigation" ? " (under investigation)" : ""}`,
  ];
}

function where({ locations, layers, images }: ScanFinding): string {
  const paths = locations.slice(0, PATHS_SHOWN).join(", ");
  const more = locations.length > PATHS_SHOWN ? ` +${locations.length - PATHS_SHOWN}` : "";
  const layer = layers[0] === undefined ? "" : ` in ${shortDigest(layers[0])}`;
  const image = images === undefined ? "" : ` of ${images.map(shortDigest).join(", ")}`;
  return `${paths}${more}${layer}${image}`.trim() || "-";
}

function explained(findings: readonly ScanFinding[]): string {
  return columns(
    findings.map(({ id, package: name, installed, state, vex }) => [
      `  ${id}`,
      `${name} ${installed}`,
      state,
      vex === undefined
        ? "its distribution says so"
        : [
            vex.author,
            vex.justification,
            vex.time?.slice(0, 10),
            vex.expires === undefined ? undefined : `until ${vex.expires.slice(0, 10)}`,
          ]
            .filter((part) => part !== undefined)
            .join(", "),
    ]),
  );
}

function ignoredLines({ ignoredVex }: ScanResult): string[] {
  if (ignoredVex.length === 0) return [];
  return [
    "",
    "statements that say nothing here",
    ...ignoredVex.map(({ statement, reason }) => `  ${statement}: ${reason}`),
  ];
}

function countLine(terminal: Terminal, { facts, status, findings }: ScanResult): string {
  const counts = (["critical", "high", "medium", "low", "unknown"] as const).flatMap((severity) =>
    facts[severity] === 0 ? [] : [`${facts[severity]} ${severity}`],
  );
  const extra = [
    ...(facts.malicious === 0 ? [] : [`${facts.malicious} malicious`]),
    ...(facts.knownExploited === 0 ? [] : [`${facts.knownExploited} known to be exploited`]),
  ];
  const all = [...extra, ...counts];
  if (all.length > 0) return terminal.paint("strong", all.join(", "));
  if (status === "checked") return terminal.paint("good", "nothing is known against it");
  const seen = findings.length === 0 ? "nothing was found in what was checked" : "nothing is open in what was checked";
  return terminal.paint("warn", status === "not-checked" ? "not checked" : `${seen}: ${status}`);
}
