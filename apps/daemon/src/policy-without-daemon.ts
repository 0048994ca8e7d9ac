// Policies checked and tested without a daemon: with a broken set none starts, and that is when one wants to know.
import { dirname, join } from "node:path";
import type { PolicyCheckResult, PolicyTestResult } from "@pratique/contracts";
import { checkResult, testPolicies } from "./control/policy-desk.ts";
import { installationDirectory } from "./installation.ts";
import { loadConfig } from "./load-config.ts";
import { findLocalPacks, policyPlaces } from "./policies/policy-in-force.ts";
import { policyDirectoryOf, readPolicySet, type PolicyDirectory } from "./policy-files.ts";

/** What the daemon of a state directory would have in force, but for packs that only its registry holds. */
async function inForce(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<PolicyDirectory> {
  const configFile = join(home, "pratique.yaml");
  const { policy } = await loadConfig(configFile, environment, undefined);
  const places = policyPlaces(policy, { directory: dirname(configFile), configFile }, installationDirectory());
  return { directory: places.directory, packs: await findLocalPacks(places, policy.packs) };
}

export interface PolicyPlace {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Instead of those that would be in force. */
  readonly directory?: string;
}

async function asked({ home, environment, directory }: PolicyPlace): Promise<PolicyDirectory> {
  if (directory === undefined) return await inForce(home, environment);
  // A whole directory stands for itself, whatever the configuration is like.
  const own = await policyDirectoryOf(directory, directory);
  return own.packs.length === 0 ? own : { ...own, directory: (await inForce(home, environment)).directory };
}

/** @throws `policy.invalid`, `policy.no-files`, `config.invalid` */
export async function checkPolicyFiles(place: PolicyPlace): Promise<PolicyCheckResult> {
  const { directory, packs } = await asked(place);
  return checkResult(await readPolicySet(directory, packs));
}

/** @throws `policy.invalid`, `policy.no-files`, `config.invalid` */
export async function testPolicyFiles(place: PolicyPlace): Promise<PolicyTestResult> {
  return await testPolicies(await asked(place));
}
