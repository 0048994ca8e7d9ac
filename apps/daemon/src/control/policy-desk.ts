// Checks and tests policies: those in force, or a directory that is not (yet).
import type { PolicyCheckResult, PolicyRequestBody, PolicyTestResult, Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { runPolicyTests, type PolicySet } from "@pratique/policy";
import { systemResource } from "../artifacts/artifacts.ts";
import { readPolicyCases, readPolicySet } from "../policy-files.ts";

export class PolicyDesk {
  readonly #guard: Guard;
  readonly #inForce: () => PolicySet;
  readonly #directory: string;

  constructor(guard: Guard, inForce: () => PolicySet, directory: string) {
    this.#guard = guard;
    this.#inForce = inForce;
    this.#directory = directory;
  }

  async check(principal: Principal, request: PolicyRequestBody): Promise<PolicyCheckResult> {
    return await this.#read(principal, async () => {
      return checkResult(request.directory === undefined ? this.#inForce() : await readPolicySet(request.directory));
    });
  }

  async test(principal: Principal, request: PolicyRequestBody): Promise<PolicyTestResult> {
    return await this.#read(principal, async () => {
      const directory = request.directory ?? this.#directory;
      const set = request.directory === undefined ? this.#inForce() : await readPolicySet(directory);
      return await testResult(set, directory);
    });
  }

  async #read<T>(principal: Principal, read: () => Promise<T>): Promise<T> {
    return allowedOrThrow(
      await this.#guard.perform({ principal, action: "admin:read", resource: systemResource }, read),
    );
  }
}

/** A valid set, as clients see it. */
export function checkResult(set: PolicySet): PolicyCheckResult {
  return {
    digest: set.digest,
    policies: set.policies.map(({ id, effect, reason, file }) => ({
      id,
      effect,
      ...(reason === undefined ? {} : { reason }),
      ...(file === undefined ? {} : { file }),
    })),
  };
}

/** Runs the cases beside the policies of a directory. */
export async function testResult(set: PolicySet, directory: string): Promise<PolicyTestResult> {
  const report = runPolicyTests(set, await readPolicyCases(directory));
  return {
    passed: report.passed,
    failed: report.failed,
    cases: report.cases.map(({ name, ok, detail }) => ({ name, ok, ...(detail === undefined ? {} : { detail }) })),
  };
}
