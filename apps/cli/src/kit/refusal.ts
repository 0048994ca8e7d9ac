// How a denial reads: what, by which policy, and what would help.
import type { Decision } from "@pratique/contracts";
import { columns, type Terminal } from "./terminal.ts";

/** Three aligned lines: the refusal, the policies that decided, what to try. */
export function refusal(terminal: Terminal, what: string, decision: Decision): string {
  const rows = decision.policies.map((policy) => [
    "  policy",
    terminal.paint("strong", policy.id),
    policy.reason ?? "",
  ]);
  if (rows.length === 0) rows.push(["  policy", "none allows it", decision.reason]);
  const remedies = [...new Set(decision.policies.flatMap((policy) => policy.remedy ?? []))];
  if (remedies.length === 0 && decision.remedy !== undefined) remedies.push(decision.remedy);
  return [
    `${terminal.paint("bad", "✗")} ${what}`,
    columns(rows),
    ...remedies.map((remedy) => `  try     ${remedy}`),
  ].join("\n");
}
