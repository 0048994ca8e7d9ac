// Runs tables of cases against a set of policies.
import type { PolicyCase } from "./policy-case.schema.ts";
import type { PolicySet } from "./policy-set.ts";

export interface PolicyTestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly expected: "allow" | "deny";
  readonly actual: "allow" | "deny";
  /** Policies that decided. */
  readonly policies: readonly string[];
  /** Why it is not as expected; on success the decision's own reason. */
  readonly reason: string;
}

export interface PolicyTestReport {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly results: readonly PolicyTestResult[];
  /** Policies that decided no case: nothing would notice if they were gone. */
  readonly untested: readonly string[];
}

function runCase(set: PolicySet, line: PolicyCase): PolicyTestResult {
  const { name, principal, action, resource, context, expect: expected, policy } = line;
  const decision = set.decide({ principal, action, resource, ...(context === undefined ? {} : { context }) });
  const actual = decision.allow ? "allow" : "deny";
  const policies = decision.policies.map(({ id }) => id);
  const isByThatPolicy =
    policy === undefined || (policy === "none" ? policies.length === 0 : policies.includes(policy));
  const ok = actual === expected && isByThatPolicy;
  const by = policies.length === 0 ? "no policy" : policies.join(", ");
  const wanted = `${expected}${policy === undefined ? "" : ` by ${policy}`}`;
  const reason = ok ? decision.reason : `expected ${wanted}, got ${actual} by ${by}: ${decision.reason}`;
  return { name, ok, expected, actual, policies, reason };
}

/** Decides each case and compares. */
export function runPolicyTests(set: PolicySet, cases: readonly PolicyCase[]): PolicyTestReport {
  const results = cases.map((line) => runCase(set, line));
  const passed = results.filter(({ ok }) => ok).length;
  const decided = new Set(results.flatMap(({ policies }) => policies));
  const untested = set.policies.map(({ id }) => id).filter((id) => !decided.has(id));
  return { ok: passed === results.length, passed, failed: results.length - passed, results, untested };
}
