// How this daemon reaches other registries: proxies, authorities, and the credentials of its user.
import type { RegistryClientConfig } from "@pratique/contracts";
import { systemClock } from "@pratique/core";
import { credentialsFromFiles, OpenUploads, TokenMemory, Transport, type CredentialSource } from "@pratique/oci";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface RegistryClient {
  readonly transport: Transport;
  readonly credentials: CredentialSource;
  readonly uploads: OpenUploads;
  readonly tokens: TokenMemory;
}

/** @throws what reading the file of authorities throws: better not to start than to trust others than was said */
export async function registryClient(
  config: RegistryClientConfig,
  environment: Readonly<Record<string, string | undefined>>,
  proxyVariables: Readonly<Record<string, string>>,
  cacheDirectory: string,
): Promise<RegistryClient> {
  const { ca, proxy } = config;
  const configured = Object.entries({ HTTP_PROXY: proxy?.http, HTTPS_PROXY: proxy?.https, NO_PROXY: proxy?.no });
  const proxies =
    proxy === undefined
      ? proxyVariables
      : Object.fromEntries(configured.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const authorities = ca === undefined ? undefined : await readFile(ca, "utf8");
  const paths = authFiles(environment);
  return {
    transport: new Transport(undefined, authorities, proxies),
    tokens: new TokenMemory(),
    uploads: new OpenUploads(join(cacheDirectory, "uploads"), systemClock),
    credentials: (registry) => credentialsFromFiles(paths, registry),
  };
}

/** Where docker, podman and oras keep logins, the one that the environment names first. */
function authFiles(environment: Readonly<Record<string, string | undefined>>): string[] {
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, DOCKER_CONFIG, HOME } = environment;
  const docker = DOCKER_CONFIG ?? (HOME === undefined ? undefined : join(HOME, ".docker"));
  return [
    ...(REGISTRY_AUTH_FILE === undefined ? [] : [REGISTRY_AUTH_FILE]),
    ...(XDG_RUNTIME_DIR === undefined ? [] : [join(XDG_RUNTIME_DIR, "containers", "auth.json")]),
    ...(docker === undefined ? [] : [join(docker, "config.json")]),
  ];
}
