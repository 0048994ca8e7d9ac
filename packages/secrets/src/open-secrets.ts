// Makes the store that the configuration asks for. Nothing is reached before a secret is.
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { SecretKeysConfig, SecretsConfig, SecretValuesConfig } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import { removeLeftovers, systemCode, type SecretTable } from "@pratique/store";
import { secretErrors } from "./errors.ts";
import { AutoKeys } from "./keys/auto-keys.ts";
import { filePlace } from "./keys/file-place.ts";
import { KeyRing } from "./keys/key-ring.ts";
import { keyringPlace, systemEntry, type OpenEntry } from "./keys/keyring-place.ts";
import type { KeyPlace } from "./keys/key-place.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { kubernetesPlace, mountedPlace } from "./keys/kubernetes-place.ts";
import { passphrasePlace } from "./keys/passphrase-place.ts";
import { readPrivateFile } from "./keys/private-file.ts";
import { VaultTransit } from "./keys/vault-transit.ts";
import { IN_CLUSTER, type KubernetesPlace } from "./kubernetes.ts";
import { SecretStore } from "./secret-store.ts";
import { kubernetesValues, mountedValues } from "./sources/kubernetes-values.ts";
import type { ValueSource } from "./sources/value-source.ts";
import { vaultValues } from "./sources/vault-values.ts";
import type { VaultPlace } from "./vault.ts";

export interface OpenSecretsOptions {
  readonly config: SecretsConfig;
  /** The state directory: relative paths count from it. */
  readonly home: string;
  readonly table: SecretTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly openEntry?: OpenEntry;
}

/** @throws `secrets.keys-unusable` when a file that the configuration names cannot be read */
export async function openSecrets(options: OpenSecretsOptions): Promise<SecretStore> {
  const { config, home, table, clock, log } = options;
  // What an interrupted write of a ring left; a directory that is not there yet holds none.
  await removeLeftovers(join(home, "keys")).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw error;
  });
  const keys = await keysOf(config.keys, options);
  const formerKeys: KeyWrapper[] = [];
  for (const former of config.formerKeys) formerKeys.push(await keysOf(former, options));
  const sources: ValueSource[] = [];
  for (const source of config.sources) sources.push(await valuesOf(source, options.home));
  return new SecretStore({ table, keys, formerKeys, sources, clock, log });
}

async function keysOf(config: SecretKeysConfig, options: OpenSecretsOptions): Promise<KeyWrapper> {
  const { home, clock, openEntry = systemEntry } = options;
  const at = (path: string): string => resolve(home, path);
  const ring = (place: KeyPlace): KeyRing => new KeyRing(place, { clock, random: randomBytes });
  const account = createHash("sha256").update(resolve(home)).digest("hex").slice(0, 16);
  switch (config.type) {
    case "auto":
      return new AutoKeys({
        file: ring(filePlace(join(home, "keys", "secrets.json"))),
        keyring: ring(keyringPlace(account, openEntry)),
        directory: join(home, "keys"),
        account,
        openEntry,
      });
    case "keyring":
      return ring(keyringPlace(account, openEntry));
    case "file":
      return ring(filePlace(at(config.path)));
    case "passphrase": {
      const passphraseFile = at(config.passphraseFile);
      const passphrase = () => readPassphrase(passphraseFile);
      return ring(passphrasePlace({ path: at(config.path), passphrase, random: randomBytes }));
    }
    case "vault":
      return new VaultTransit(await vaultOf(config, at), config.key);
    case "kubernetes":
      return ring(kubernetesPlace(await clusterOf(config, at)));
    case "kubernetes-mounted":
      return ring(mountedPlace(at(config.directory)));
  }
}

async function valuesOf(config: SecretValuesConfig, home: string): Promise<ValueSource> {
  const at = (path: string): string => resolve(home, path);
  switch (config.type) {
    case "vault":
      return vaultValues(await vaultOf(config, at), config.prefix);
    case "kubernetes":
      return kubernetesValues(await clusterOf(config, at));
    case "directory":
      return mountedValues(at(config.directory));
  }
}

/** The first line of the file, without its end. */
async function readPassphrase(path: string): Promise<Buffer> {
  const bytes = await readPrivateFile(path);
  if (bytes === undefined) {
    throw secretErrors("secrets.keys-unusable", { place: path, reason: "there is no file with the passphrase" });
  }
  const end = bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

async function vaultOf(
  config: Extract<SecretKeysConfig | SecretValuesConfig, { type: "vault" }>,
  at: (path: string) => string,
): Promise<VaultPlace> {
  const { address, mount, namespace, caFile } = config;
  const ca = caFile === undefined ? {} : { ca: await readCertificates(at(caFile)) };
  return { address, tokenFile: at(config.tokenFile), mount, namespace, ...ca };
}

async function clusterOf(
  config: Extract<SecretKeysConfig | SecretValuesConfig, { type: "kubernetes" }>,
  at: (path: string) => string,
): Promise<KubernetesPlace> {
  const { name, address, tokenFile, caFile } = config;
  // Inside a cluster the Pod's own; https elsewhere than in one goes by the system's authorities.
  const ownCa = address === undefined ? IN_CLUSTER.caFile : undefined;
  return {
    name,
    address: address ?? IN_CLUSTER.address,
    tokenFile: tokenFile === undefined ? IN_CLUSTER.tokenFile : at(tokenFile),
    caFile: caFile === undefined ? ownCa : at(caFile),
    namespace: config.namespace ?? (await ownNamespace()),
  };
}

async function ownNamespace(): Promise<string> {
  const bytes = await readPrivateFile(IN_CLUSTER.namespaceFile, { isMounted: true });
  const name = bytes?.toString("utf8").trim() ?? "";
  return /^[a-z0-9][-a-z0-9.]{0,252}$/.test(name) ? name : "default";
}

async function readCertificates(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw secretErrors("secrets.keys-unusable", { place: path, reason: "the authority cannot be read" }, { cause });
  }
}
