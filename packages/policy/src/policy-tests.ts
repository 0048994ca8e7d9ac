// Runs tables of cases against a set of policies.
import type { Entity } from "./cedar-request.ts";
import type { PolicyCase } from "./policy-case.schema.ts";
import type { PolicySet } from "./policy-set.ts";
import { isUndecided } from "./sentences.ts";

export interface PolicyCaseResult {
  readonly name: string;
  readonly ok: boolean;
  readonly expected: "allow" | "deny";
  readonly actual: "allow" | "deny";
  /** Ids of the policies that decided. */
  readonly policies: readonly string[];
  /** What is not as expected; absent when all is. */
  readonly detail?: string;
}

export interface PolicyTestReport {
  readonly passed: number;
  readonly failed: number;
  readonly cases: readonly PolicyCaseResult[];
  /** Ids of policies that decided no case: nothing would notice if they were gone. */
  readonly untested: readonly string[];
}

function entityOf({ type, id, attributes, parents }: PolicyCase["resource"]): Entity {
  return {
    type,
    id,
    ...(attributes === undefined ? {} : { attributes }),
    ...(parents === undefined ? {} : { parents: parents.map(entityOf) }),
  };
}

function runCase(set: PolicySet, line: PolicyCase): PolicyCaseResult {
  const { name, action, context, expect: expected, policy } = line;
  const resource = entityOf(line.resource);
  const decision = set.decide({
    principal: entityOf(line.principal),
    action,
    resource:
      line.with === undefined ? resource : { ...resource, attributes: { ...resource.attributes, ...line.with } },
    ...(context === undefined ? {} : { context }),
  });
  const actual = decision.allow ? "allow" : "deny";
  const policies = decision.policies.map(({ id }) => id);
  const isAsNamed = policy === undefined || (policy === "none" ? policies.length === 0 : policies.includes(policy));
  const result = { name, expected, actual, policies } as const;
  // A misspelt attribute would be denied too: such a case tests nothing.
  if (actual === expected && isAsNamed && !isUndecided(decision.reason)) return { ...result, ok: true };
  const wanted = `${expected}${policy === undefined ? "" : ` by ${policy}`}`;
  return { ...result, ok: false, detail: `expected ${wanted}, got ${actual}: ${decision.reason}` };
}

/** Decides each case and compares. */
export function runPolicyTests(set: PolicySet, cases: readonly PolicyCase[]): PolicyTestReport {
  const results = cases.map((line) => runCase(set, line));
  const passed = results.filter(({ ok }) => ok).length;
  const decided = new Set(results.flatMap(({ policies }) => policies));
  const untested = set.policies.map(({ id }) => id).filter((id) => !decided.has(id));
  return { passed, failed: results.length - passed, cases: results, untested };
}
