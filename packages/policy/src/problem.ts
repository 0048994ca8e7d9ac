// A mistake in a policy or in the schema, with its place, and the one error that reports them.
import type { Json, PratiqueError } from "@pratique/core";
import { policyErrors } from "./errors.ts";

/** One mistake: where it is, what the engine says of it, and what it thinks was meant. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly policy?: string;
  readonly message: string;
  readonly help?: string;
}

const MAX_PROBLEMS = 20;

/** The error for one or more mistakes: its sentence is the first one's, its details hold them all (at most 20). */
export function invalid(problems: readonly Problem[]): PratiqueError {
  // The engine names mistakes in no fixed order.
  const sorted = problems.toSorted(
    (a, b) => a.file.localeCompare(b.file, "en") || a.line - b.line || a.column - b.column,
  );
  const [first = { file: "policies", line: 1, column: 1, message: "the policy does not parse" }] = sorted;
  const { file, line, column, message, help } = first;
  const details: Json = sorted.slice(0, MAX_PROBLEMS).map((problem) => ({ ...problem }));
  return policyErrors(
    "policy.invalid",
    { file, line, column, message },
    { details, ...(help === undefined ? {} : { hint: help }) },
  );
}
