// The embedded Sigstore as the configuration asks for it; undefined when it does not.
import { join, resolve, dirname } from "node:path";
import type { Config } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import { KeySet, openSigstore, type OidcIssuer, type OpenedSigstore } from "@pratique/sigstore";
import { daemonErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { readDocument } from "./read-document.ts";

/** Where it is mounted on the listener. */
export const SIGSTORE_PREFIX = "/sigstore";

export interface OpenSigstoreOptions {
  readonly config: Config["sigstore"];
  readonly home: Home;
  /** The listener's address. */
  readonly url: string;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
}

const KEY_SET_LIMIT_BYTES = 256 * 1024;

/** @throws `config.invalid`, `sigstore.bad-key`, `sigstore.bad-certificate`, `audit.corrupt`, `audit.wrong-key` */
export async function openOwnSigstore(options: OpenSigstoreOptions): Promise<OpenedSigstore | undefined> {
  const { config, home, url, guard, clock, log } = options;
  if (!config.enabled) return undefined;
  const issuers: OidcIssuer[] = [];
  for (const [name, { issuer, audience, subject, jwksFile }] of Object.entries(config.issuers)) {
    const keySet = jwksFile === undefined ? undefined : await readKeySet(name, jwksFile, home.configFile);
    issuers.push({ issuer, audience, subject, keySet });
  }
  return await openSigstore({
    directory: join(home.directory, "sigstore"),
    name: config.name,
    issuers,
    url: config.url?.replace(/\/+$/, "") ?? `${url}${SIGSTORE_PREFIX}`,
    guard,
    clock,
    log,
  });
}

async function readKeySet(name: string, file: string, configFile: string): Promise<OidcIssuer["keySet"]> {
  const what = `sigstore.issuers.${name}.jwksFile`;
  const bytes = await readDocument(resolve(dirname(configFile), file), KEY_SET_LIMIT_BYTES, what, configFile);
  const parsed = KeySet.safeParse(parse(bytes));
  if (parsed.success) return parsed.data;
  throw daemonErrors("config.invalid", {
    file: configFile,
    problem: `${what}: ${file} holds no public keys (JWK set)`,
  });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
