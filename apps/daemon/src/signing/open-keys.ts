// The keys that sign, from the configuration and the state directory, and whom that makes trusted.
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Config } from "@pratique/contracts";
import {
  fileKeys,
  openKeyRing,
  tokenKeys,
  transitKeys,
  type KeyProvider,
  type KeyRing,
  type RunTokenTool,
  type SigningKey,
  type Trust,
} from "@pratique/evidence";
import { ensureDirectory } from "@pratique/store";
import { daemonErrors } from "../errors.ts";
import type { Home } from "../home.ts";

export interface KeysOptions {
  readonly config: Config;
  readonly home: Home;
  readonly owner: SigningKey;
  readonly runTool: RunTokenTool;
}

export async function openKeys({ config, home, owner, runTool }: KeysOptions): Promise<KeyRing> {
  const { keys, pkcs11, vault } = config.signing;
  const at = (path: string): string => resolve(dirname(home.configFile), path);
  const providers: KeyProvider[] = [fileKeys()];
  if (pkcs11 !== undefined) {
    const { module, environment, pinFile } = pkcs11;
    await ensureDirectory(home.run, 0o700);
    providers.push(
      tokenKeys({
        module: at(module),
        environment,
        ...(pinFile === undefined ? {} : { pinFile: at(pinFile) }),
        runTool,
        scratchDirectory: home.run,
      }),
    );
  }
  if (vault !== undefined) {
    const { address, tokenFile, mount, namespace, caFile } = vault;
    const ca = caFile === undefined ? undefined : await readAuthority(at(caFile), home.configFile);
    providers.push(transitKeys({ address, tokenFile: at(tokenFile), mount, namespace, ca }));
  }
  return await openKeyRing({
    directory: join(home.keys, "signing"),
    owner,
    configured: Object.fromEntries(
      Object.entries(keys).map(([name, { uri, passphraseFile }]) => [
        name,
        { uri, ...(passphraseFile === undefined ? {} : { passphraseFile: at(passphraseFile) }) },
      ]),
    ),
    providers,
    taken: new Set(Object.keys(config.trust.keys)),
  });
}

/** Adds the keys of the ring, as they are at each look: a key that was made a moment ago counts. */
export function trustWithRing(configured: Trust, ring: KeyRing, requirements: Trust["requirements"]): Trust {
  return {
    ...configured,
    requirements,
    get keys() {
      return [...configured.keys, ...ring.trusted()];
    },
  };
}

async function readAuthority(path: string, configFile: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw daemonErrors("config.invalid", {
    file: configFile,
    problem: `signing.vault.caFile: ${path} is no certificate`,
  });
}
