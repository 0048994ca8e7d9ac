// Whom to believe without a key: the identities of the configuration, and the roots that may certify them.
import type { Config } from "@pratique/contracts";
import { describeError, isPratiqueError, type Log } from "@pratique/core";
import {
  checkIdentity,
  PUBLIC_GOOD_ROOT,
  readTrustRoot,
  type Trust,
  type TrustedIdentity,
  type TrustRoot,
} from "@pratique/evidence";
import type { Sigstore } from "@pratique/sigstore";
import { join } from "node:path";
import { daemonErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { readPinned } from "./read-document.ts";

export const PUBLIC_ROOT = "public";
export const OWN_ROOT = "own";

const LIMIT_BYTES = 1024 * 1024;

export interface TrustByIdentityOptions {
  readonly config: Config["trust"];
  readonly home: Home;
  readonly sigstore: Sigstore | undefined;
  readonly log: Log;
}

/**
 * A root that cannot be fetched now is left out, and what it would certify is not believed; the log says so.
 * @throws `config.invalid`, `trust.invalid-root`, `trust.invalid-identity`
 */
export async function readTrustByIdentity(
  options: TrustByIdentityOptions,
): Promise<Required<Pick<Trust, "identities" | "roots">>> {
  const { config, home, sigstore, log } = options;
  const roots: TrustRoot[] = [readTrustRoot(PUBLIC_ROOT, Buffer.from(PUBLIC_GOOD_ROOT))];
  if (sigstore !== undefined) roots.push(readTrustRoot(OWN_ROOT, sigstore.trustedRoot.bytes));
  for (const [name, document] of Object.entries(config.roots)) {
    const what = `trust.roots.${name}`;
    const cache = join(home.cache, "trust");
    try {
      const pinned = { document, what, configFile: home.configFile, cache, limitBytes: LIMIT_BYTES };
      roots.push(readTrustRoot(name, await readPinned(pinned)));
    } catch (error) {
      if (!isPratiqueError(error, "trust.unreachable")) throw error;
      log.warn("a trusted root cannot be had, so what it certifies is not believed", { name, ...describeError(error) });
    }
  }
  return { roots, identities: readIdentities(config, home.configFile) };
}

function readIdentities({ identities, roots }: Config["trust"], configFile: string): TrustedIdentity[] {
  const known = new Set([PUBLIC_ROOT, OWN_ROOT, ...Object.keys(roots)]);
  return Object.entries(identities).map(([name, identity]) => {
    const unknown = identity.roots?.find((root) => !known.has(root));
    if (unknown !== undefined) {
      const problem = `trust.identities.${name}.roots: there is no root \`${unknown}\``;
      throw daemonErrors("config.invalid", { file: configFile, problem });
    }
    const trusted = { name, ...identity };
    checkIdentity(trusted);
    return trusted;
  });
}
