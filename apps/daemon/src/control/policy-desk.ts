// Checks and tests policies: those in force, or a directory that is not (yet).
import type { PolicyCheckResult, PolicyRequestBody, PolicyTestResult, Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { runPolicyTests, type PolicySet } from "@pratique/policy";
import { join } from "node:path";
import { systemResource } from "../artifacts/artifacts.ts";
import {
  parsePolicyCases,
  policyDirectoryOf,
  readPolicyCases,
  readPolicySet,
  type PolicyDirectory,
} from "../policy-files.ts";
import type { PolicyInForce } from "../policies/policy-in-force.ts";
import { readPacks } from "../policies/policy-pack.ts";

export class PolicyDesk {
  readonly #guard: Guard;
  readonly #policies: PolicyInForce;

  constructor(guard: Guard, policies: PolicyInForce) {
    this.#guard = guard;
    this.#policies = policies;
  }

  async check(principal: Principal, { directory }: PolicyRequestBody): Promise<PolicyCheckResult> {
    return await this.#read(principal, async () => {
      if (directory === undefined) return checkResult(this.#policies.current);
      const named = await policyDirectoryOf(directory, this.#policies.places.directory);
      return checkResult(await readPolicySet(named.directory, named.packs));
    });
  }

  async test(principal: Principal, { directory }: PolicyRequestBody): Promise<PolicyTestResult> {
    const { places, packs } = this.#policies;
    return await this.#read(principal, async () =>
      directory === undefined
        ? testPolicies({ directory: places.directory, packs: packs.packs })
        : testPolicies(await policyDirectoryOf(directory, places.directory)),
    );
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

/**
 * Runs the cases beside the policies of a directory, and those of each pack: of the given ones and of all that lie in
 * it. Each pack is tried alone beside the policies, so that what one forbids does not spoil the cases of another.
 */
export async function testPolicies({ directory, packs }: PolicyDirectory): Promise<PolicyTestResult> {
  const names = new Set(packs.map(({ name }) => name));
  const inside = (await readPacks(join(directory, "packs"))).filter(({ name }) => !names.has(name));
  const reports = [runPolicyTests(await readPolicySet(directory), await readPolicyCases(directory))];
  for (const pack of [...packs, ...inside]) {
    const cases = parsePolicyCases(pack.tests).map((one) => ({ ...one, name: `${pack.name}: ${one.name}` }));
    reports.push(runPolicyTests(await readPolicySet(directory, [pack]), cases));
  }
  return {
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    failed: reports.reduce((sum, { failed }) => sum + failed, 0),
    cases: reports.flatMap(({ cases }) =>
      cases.map(({ name, ok, detail }) => ({ name, ok, ...(detail === undefined ? {} : { detail }) })),
    ),
  };
}
