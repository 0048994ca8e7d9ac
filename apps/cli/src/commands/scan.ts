// `pratique scan`: what is known against an artifact, or against what a bill of materials lists.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { ScanRequest, ScanResult, Severity } from "@pratique/contracts";
import { textFlag, type Command, type Context, type ExitCode, type Flags } from "../kit/command.ts";
import { failingFindings, scanLines } from "../kit/scan-lines.ts";
import { usageError } from "../kit/run-command.ts";
import { counted } from "../kit/words.ts";

const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low", "unknown", "none"];
const FORMATS = ["table", "json", "sarif"];

export const scan: Command = {
  name: "scan",
  group: "everyday",
  summary: "say what is known against an artifact, and how far that goes",
  usage: "<reference or file>",
  minArgs: 1,
  maxArgs: 1,
  description:
    "A file is a bill of materials in CycloneDX or SPDX. Not checked is never shown as clean: what could not be looked up is named. With --fail-on the exit code is 3 when a finding is that severe, when something is malicious, and when not everything was checked.",
  flags: {
    format: { type: "string", value: "FORMAT", summary: "table (default), json or sarif" },
    severity: { type: "string", value: "SEVERITY", summary: "show nothing less severe" },
    "only-fixed": { type: "boolean", summary: "show only what a version mends" },
    "fail-on": { type: "string", value: "SEVERITY", summary: "exit 3 when something is that severe" },
    "allow-unchecked": { type: "boolean", summary: "with --fail-on: do not fail for what was not checked" },
    vex: { type: "string", value: "FILE", multiple: true, summary: "apply the statements of an OpenVEX or CSAF file" },
    attest: { type: "boolean", summary: "sign the result and attach it to the artifact" },
  },
  examples: [
    "pratique scan team/weather:1.0.0",
    "pratique scan team/weather:1.0.0 --fail-on high --only-fixed",
    "pratique scan sbom.cdx.json --format sarif > scan.sarif",
  ],
  async run({ args, flags, context }): Promise<ExitCode> {
    const { terminal } = context;
    const request = requestOf(args[0]!, flags, context);
    const format = context.json ? "json" : (oneOf(flags, "format", FORMATS) ?? "table");
    const failOn = severityFlag(flags, "fail-on");
    if (failOn !== undefined && SEVERITIES.indexOf(request.severity ?? failOn) < SEVERITIES.indexOf(failOn)) {
      const problem = `--severity ${request.severity} leaves out what --fail-on ${failOn} is to fail on`;
      throw usageError(problem, "show as much as is to fail: leave --severity away");
    }
    const client = await context.client();
    if (format === "sarif") terminal.out(JSON.stringify(await client.scanSarif(request), null, 2));
    if (format === "sarif" && failOn === undefined) return 0;
    const result = await client.scan(format === "sarif" ? { ...request, attest: false } : request);
    if (format === "json") terminal.out(JSON.stringify(result, null, 2));
    if (format === "table") terminal.out(scanLines(terminal, result));
    return failOn === undefined ? 0 : verdict(context, result, failOn, flags["allow-unchecked"] === true);
  },
};

function verdict({ terminal }: Context, result: ScanResult, failOn: Severity, mayBeUnchecked: boolean): ExitCode {
  const failing = failingFindings(result, failOn);
  if (failing.length > 0) {
    const ids = [...new Set(failing.map(({ id }) => id))];
    const more = ids.length > 5 ? ` and ${ids.length - 5} more` : "";
    terminal.note(`✗ ${ids.slice(0, 5).join(", ")}${more}: ${failOn} or worse`);
    return 3;
  }
  const unrated =
    failOn === "unknown" ? [] : failingFindings(result, "unknown").filter(({ severity }) => severity === "unknown");
  if (unrated.length > 0)
    terminal.note(
      `! ${counted(unrated.length, "finding")} of unknown severity not counted: --fail-on unknown counts them`,
    );
  if (result.status === "checked" || mayBeUnchecked) return 0;
  terminal.note(`✗ ${result.status}: ${result.reasons.join("; ")}\n\nhint: --allow-unchecked takes that as it is`);
  return 3;
}

function requestOf(target: string, flags: Flags, { workingDirectory }: Context): ScanRequest {
  const path = resolve(workingDirectory, target);
  const isFile = /^[./]/.test(target) || (existsSync(path) && /\.(?:json|spdx|xml|txt)$/.test(target));
  const vex = Array.isArray(flags["vex"]) ? flags["vex"] : [];
  const severity = severityFlag(flags, "severity");
  return {
    ...(isFile ? { file: path } : { reference: target }),
    vex: vex.map((file: string) => resolve(workingDirectory, file)),
    ...(severity === undefined ? {} : { severity }),
    onlyFixed: flags["only-fixed"] === true,
    attest: flags["attest"] === true,
  };
}

function severityFlag(flags: Flags, name: string): Severity | undefined {
  const value = oneOf(flags, name, SEVERITIES);
  return SEVERITIES.find((severity) => severity === value);
}

function oneOf(flags: Flags, name: string, allowed: readonly string[]): string | undefined {
  const value = textFlag(flags, name);
  if (value === undefined || allowed.includes(value)) return value;
  throw usageError(`--${name} ${value} is none of ${allowed.join(", ")}`, "see `pratique scan --help`");
}
