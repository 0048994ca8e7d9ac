// A server's review as lines: what changed, what is held, what a person should read.
import type { ServerReview, TextFinding } from "@pratique/contracts";
import type { Terminal } from "./terminal.ts";

const BASELINES: Readonly<Record<ServerReview["baseline"], string>> = {
  none: "nothing: nobody approved it",
  "first-use": "how it was first seen",
  person: "what was approved",
  catalog: "what the catalog lists",
};

/** One line. */
export function reviewSummary({ server, state, baseline, tools }: ServerReview, terminal: Terminal): string[] {
  const held = tools.filter(({ isHeld }) => isHeld).length;
  const tone = state === "held" ? "bad" : state === "warned" ? "warn" : state === "unseen" ? "dim" : "good";
  return [
    server,
    terminal.paint(tone, state),
    held === 0 ? `${tools.length} tools` : `${held} of ${tools.length} tools held`,
    baseline === "none" ? "nobody approved it" : baseline,
  ];
}

/** All that a person has to see before an approval. */
export function reviewLines(review: ServerReview, terminal: Terminal): string {
  const { server, state, baseline, by, at, lines, findings, tools } = review;
  const beside = `beside ${BASELINES[baseline]}${by === undefined ? "" : ` by ${by}`}${at === undefined ? "" : `, ${at}`}`;
  const shown = tools.filter((tool) => tool.state !== "same" || tool.isHeld || tool.findings.length > 0);
  const parts = [
    `${terminal.paint("strong", server)}  ${state}, ${beside}`,
    ...lines.map((line) => coloured(line, terminal)),
    ...findings.map((finding) => findingLine(finding, terminal)),
    ...shown.flatMap((tool) => [
      "",
      `  ${terminal.paint("strong", tool.name)}  ${tool.state}${tool.isHeld ? terminal.paint("bad", "  held") : ""}`,
      ...tool.lines.map((line) => coloured(line, terminal)),
      ...tool.findings.map((finding) => findingLine(finding, terminal)),
    ]),
  ];
  if (shown.length === 0 && lines.length === 0) parts.push("  nothing differs");
  return parts.join("\n");
}

function coloured(line: string, terminal: Terminal): string {
  return `    ${line.startsWith("+") ? terminal.paint("good", line) : line.startsWith("-") ? terminal.paint("bad", line) : line}`;
}

function findingLine({ severity, kind, where, detail }: TextFinding, terminal: Terminal): string {
  const tone = severity === "high" ? "bad" : severity === "medium" ? "warn" : "dim";
  return `    ${terminal.paint(tone, `! ${severity}`)}  ${kind} in ${where}: ${detail}`;
}
