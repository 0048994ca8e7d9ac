// Secrets of webhooks, read from the files that the configuration names.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { HousekeepingConfig } from "@pratique/contracts";
import { daemonErrors } from "../errors.ts";

const MIN_LENGTH = 16;

/** Secrets by name of the webhook. Relative paths count from the state directory. @throws `config.invalid` */
export async function readWebhookSecrets(
  webhooks: HousekeepingConfig["webhooks"],
  home: { readonly directory: string; readonly configFile: string },
): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const [name, { secretFile }] of Object.entries(webhooks)) {
    if (secretFile === undefined) continue;
    const invalid = (problem: string, cause?: unknown): Error =>
      daemonErrors(
        "config.invalid",
        { file: home.configFile, problem: `registry.webhooks.${name}.secretFile: ${problem}` },
        { cause },
      );
    let secret: string;
    try {
      secret = (await readFile(resolve(home.directory, secretFile), "utf8")).trim();
    } catch (cause) {
      throw invalid("the file cannot be read", cause);
    }
    if (secret.length < MIN_LENGTH) throw invalid(`the secret is shorter than ${MIN_LENGTH} characters`);
    secrets[name] = secret;
  }
  return secrets;
}
