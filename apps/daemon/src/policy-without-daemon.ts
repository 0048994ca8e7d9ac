// Policies checked and tested without a daemon: with a broken set none starts, and that is when one wants to know.
import { join } from "node:path";
import type { PolicyCheckResult, PolicyTestResult } from "@pratique/contracts";
import { checkResult, testResult } from "./control/policy-desk.ts";
import { installationDirectory } from "./installation.ts";
import { loadConfig } from "./load-config.ts";
import { readPolicySet } from "./policy-files.ts";

/** What the daemon of a state directory would have in force. */
async function directoryInForce(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const config = await loadConfig(join(home, "pratique.yaml"), environment, undefined);
  return config.policy.directory ?? join(installationDirectory(), "policies");
}

export interface PolicyPlace {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Instead of those that would be in force. */
  readonly directory?: string;
}

/** @throws `policy.invalid`, `policy.no-files`, `config.invalid` */
export async function checkPolicyFiles(place: PolicyPlace): Promise<PolicyCheckResult> {
  return checkResult(await readPolicySet(place.directory ?? (await directoryInForce(place.home, place.environment))));
}

/** @throws `policy.invalid`, `policy.no-files`, `config.invalid` */
export async function testPolicyFiles(place: PolicyPlace): Promise<PolicyTestResult> {
  const directory = place.directory ?? (await directoryInForce(place.home, place.environment));
  return await testResult(await readPolicySet(directory), directory);
}
