// The public keys of the configuration, read once at the start.
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Config } from "@pratique/contracts";
import type { Trust } from "@pratique/evidence";
import { daemonErrors } from "./errors.ts";

/** A PEM public key is a few hundred bytes. */
const LIMIT_BYTES = 16 * 1024;

/** The owner's key first: whatever name a key is given, the owner's stays the owner's. @throws `config.invalid` */
export async function readTrust(
  config: Config["trust"],
  configFile: string,
  ownerPublicKeyPem: string,
): Promise<Trust> {
  const keys = await Promise.all(
    Object.entries(config.keys).map(async ([name, { file, clears, slsaLevel }]) => ({
      name,
      publicKeyPem: await readKey(name, resolve(dirname(configFile), file), configFile),
      clears,
      slsaLevel,
    })),
  );
  const builders = Object.entries(config.builders).map(([name, builder]) => ({ name, ...builder }));
  const { imageTypes } = config;
  return { keys: [{ name: "owner", publicKeyPem: ownerPublicKeyPem }, ...keys], builders, imageTypes };
}

async function readKey(name: string, path: string, configFile: string): Promise<string> {
  const wrong = (reason: string, cause?: unknown): Error =>
    daemonErrors("config.invalid", { file: configFile, problem: `trust.keys.${name}: ${path} ${reason}` }, { cause });
  try {
    const status = await stat(path);
    if (!status.isFile() || status.size > LIMIT_BYTES) throw wrong("is no key");
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("E")) {
      throw wrong(`cannot be read (${error.code})`, error);
    }
    throw error;
  }
}
