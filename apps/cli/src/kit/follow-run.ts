// Follows the events of a run: shows them, and keeps what a summary needs.
import type { Problem, RunStreamEvent } from "@pratique/contracts";
import type { Terminal } from "./terminal.ts";

export interface ToolCallSummary {
  readonly tool: string;
  readonly decision: "allow" | "deny";
  readonly policy: string | null;
}

export interface RunOutcome {
  run: string;
  model: string;
  modelDigest: string | undefined;
  engine: string | undefined;
  isolation: string | undefined;
  toolCalls: ToolCallSummary[];
  answer: string;
  problem: Problem | undefined;
}

/** Reads a run to its end; with `show`, each call and its decision becomes a line of notes. */
export async function followRun(
  terminal: Terminal,
  events: AsyncIterable<RunStreamEvent>,
  mode: "show" | "silent",
): Promise<RunOutcome> {
  const outcome: RunOutcome = {
    run: "",
    model: "",
    modelDigest: undefined,
    engine: undefined,
    isolation: undefined,
    toolCalls: [],
    answer: "",
    problem: undefined,
  };
  const note = (text: string) => (mode === "show" ? terminal.note(text) : undefined);
  for await (const event of events) {
    switch (event.type) {
      case "started":
        Object.assign(outcome, {
          run: event.run,
          model: event.model,
          modelDigest: event.modelDigest,
          engine: event.engine,
          isolation: event.isolation,
        });
        note(`  run ${event.run} on ${event.model}${event.engine === undefined ? "" : ` (${event.engine})`}`);
        break;
      case "tool-call":
        note(`  → ${event.tool} ${JSON.stringify(event.arguments)}`);
        break;
      case "tool-result": {
        const denied = event.decision === "deny";
        outcome.toolCalls.push({ tool: event.tool, decision: denied ? "deny" : "allow", policy: event.policy ?? null });
        note(`  ${denied ? terminal.paint("bad", "✗") : "←"} ${event.text}`);
        break;
      }
      case "finished":
        outcome.answer = event.answer;
        break;
      case "failed":
        outcome.problem = event.problem;
        outcome.run = event.run ?? outcome.run;
        break;
      case "text":
      case "usage":
        break;
    }
  }
  return outcome;
}
