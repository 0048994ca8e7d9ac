// What the voyage leaves behind: a table for people, one JSON document for programs.
import { columns, type Terminal } from "../kit/terminal.ts";
import type { ShipsLog } from "./sail.ts";

/** The document that `--json` prints; scripts rely on these names. */
export function jsonReport(log: ShipsLog) {
  return {
    artifacts: log.artifacts.map(({ kind, reference, digest, cleared }) => ({ kind, reference, digest, cleared })),
    refused: log.refused.map(({ reference, decision }) => ({ reference, policy: decision.policies[0]?.id ?? null })),
    run: {
      id: log.run.run,
      model: log.run.model,
      toolCalls: log.run.toolCalls,
      answer: log.run.answer,
      ...(log.run.problem === undefined ? {} : { problem: log.run.problem }),
    },
    audit: { records: log.audit.records, checkpoint: log.audit.checkpoint, verified: log.audit.verified },
  };
}

function toolsRun(isolation: string | undefined): string {
  if (isolation === undefined) return "";
  return isolation === "none" ? "; its tools not isolated" : `; its tools in a ${isolation}`;
}

/** The closing table: the auditor's three questions, answered. */
export function summary(terminal: Terminal, log: ShipsLog, console: string): string {
  const { run } = log;
  const cleared = log.artifacts.filter((artifact) => artifact.cleared).length;
  const denied = run.toolCalls.filter((call) => call.decision === "deny");
  return [
    `\n${terminal.paint("strong", "Summary")}`,
    columns([
      [
        "  What is running?",
        run.model === ""
          ? "nothing: the run did not start"
          : `${run.model}${run.engine === undefined ? "" : ` on ${run.engine}`}${toolsRun(run.isolation)}`,
      ],
      [
        "  Is it safe?",
        [
          `${cleared} of ${log.artifacts.length} artifacts cleared`,
          ...log.refused.map(
            (refused) =>
              `${refused.reference} refused by ${refused.decision.policies.map((policy) => policy.id).join(", ")}`,
          ),
        ].join("; "),
      ],
      [
        "  What did the agent do?",
        `${run.toolCalls.length} tool calls, ${denied.length} denied${denied.length === 0 ? "" : ` (${denied.map((call) => `${call.tool} by ${call.policy}`).join(", ")})`}`,
      ],
      ["  Can you prove it?", `${log.audit.records} records, root ${log.audit.rootHash}`],
      ["  See it", console],
    ]),
  ].join("\n");
}
