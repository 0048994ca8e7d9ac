// How clients of the registry prove who they are: with a credential, or with a token that they got for it.
import type { Clock, Log } from "@pratique/core";
import type { Identity } from "@pratique/identity";
import {
  createTokenEndpoint,
  openTokenKey,
  RegistryTokens,
  type Registry,
  type TokenEndpoint,
} from "@pratique/registry";
import { join } from "node:path";

export interface RegistryClientsOptions {
  readonly keys: string;
  readonly service: string;
  readonly identity: Identity;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
}

export async function openRegistryClients(
  options: RegistryClientsOptions,
): Promise<{ readonly tokens: RegistryTokens; readonly tokenEndpoint: TokenEndpoint }> {
  const { keys, service, identity, registry, clock, log } = options;
  const tokens = new RegistryTokens({
    key: await openTokenKey(join(keys, "registry-token.pem")),
    service,
    clock,
    recall: (credential) => identity.recall(credential),
  });
  const tokenEndpoint = createTokenEndpoint({
    tokens,
    authenticate: (headers) => {
      const credential = identity.credentialOf(headers);
      const principal = credential === undefined ? undefined : identity.recall(credential);
      return credential === undefined || principal === undefined ? undefined : { principal, credential };
    },
    allow: (principal, access) => registry.allowed(principal, access),
    log,
  });
  return { tokens, tokenEndpoint };
}
