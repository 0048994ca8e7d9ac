// Keys in a token (HSM, smart card, softhsm), through OpenSC's `pkcs11-tool` in a process of its own (ADR 0031).
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isPratiqueError } from "@pratique/core";
import { noKeyAt, signingErrors } from "../errors.ts";
import { hashOf, keyAlgorithmOf, type KeyAlgorithm } from "../key-algorithm.ts";
import type { KeyProvider } from "../key-provider.ts";
import type { KeyUri } from "../key-uri.ts";
import { readSecretFile } from "../secret-file.ts";
import { remoteSigningKey, type SigningKey } from "../signing-key.ts";
import { parsePkcs11Uri, type Pkcs11Name } from "./pkcs11-uri.ts";
import { readTokenObjects, type TokenPublicKey } from "./token-objects.ts";

/** Runs a system command: handed in, since no package but the sandbox may start processes. */
export type RunTokenTool = (
  command: string,
  args: readonly string[],
  options: {
    readonly maxOutputBytes: number;
    readonly timeoutMs: number;
    readonly env: Readonly<Record<string, string>>;
  },
) => Promise<{ readonly code: number; readonly stdout: Uint8Array; readonly stderr: string }>;

export interface TokenOptions {
  /** Path of the vendor's module, e.g. `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string;
  /** A file with the PIN, which only its owner may read; without it nobody logs in. */
  readonly pinFile?: string | undefined;
  /** What the module reads from its environment, e.g. `SOFTHSM2_CONF`. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly runTool: RunTokenTool;
  /** Where what is to be signed lies for a moment; it is no secret. */
  readonly scratchDirectory: string;
}

const PIN_VARIABLE = "PRATIQUE_TOKEN_PIN";
const LIMITS = { maxOutputBytes: 1024 * 1024, timeoutMs: 30_000 };
const CURVES: Readonly<Record<KeyAlgorithm, string>> = {
  "ecdsa-p256": "prime256v1",
  "ecdsa-p384": "secp384r1",
  ed25519: "edwards25519",
};

export function tokenKeys(options: TokenOptions): KeyProvider {
  return {
    holds: "a PKCS #11 token",
    schemes: ["pkcs11"],
    open: (uri) => openTokenKey(options, uri),
    create: (uri, algorithm) => createTokenKey(options, uri, algorithm),
  };
}

async function openTokenKey(options: TokenOptions, uri: KeyUri): Promise<SigningKey> {
  const name = parsePkcs11Uri(uri);
  const found = await findKey(options, name, uri);
  if (found === undefined) throw noKeyAt(uri);
  const { publicKey, idHex } = found;
  const algorithm = publicKey === undefined ? undefined : keyAlgorithmOf(publicKey);
  if (publicKey === undefined || algorithm === undefined) {
    const reason = "tokens sign here with ECDSA on P-256 or P-384, or with Ed25519";
    throw signingErrors("key.unusable", { where: uri.text, reason });
  }
  const hash = hashOf(algorithm);
  return remoteSigningKey(publicKey, uri.text, async (message) => {
    const input = hash === undefined ? message : createHash(hash).update(message).digest();
    return await signInput(options, { name, uri, idHex, mechanism: hash === undefined ? "EDDSA" : "ECDSA", input });
  });
}

async function createTokenKey(options: TokenOptions, uri: KeyUri, algorithm: KeyAlgorithm): Promise<SigningKey> {
  const name = parsePkcs11Uri(uri);
  const curve = CURVES[algorithm];
  if (name.label === undefined) throw signingErrors("key.bad-uri", { uri: uri.text, reason: "add object=LABEL" });
  if ((await findKey(options, name, uri)) !== undefined) throw signingErrors("key.exists", { name: uri.text });
  const idHex = name.idHex ?? randomBytes(16).toString("hex");
  await run(options, uri, [
    ...tokenArguments(name),
    "--keypairgen",
    `--key-type=EC:${curve}`,
    `--label=${name.label}`,
    `--id=${idHex}`,
    "--usage-sign",
    "--sensitive",
  ]);
  return await openTokenKey(options, uri);
}

/** By ID where the URI has one, else by label, which must then be one key's alone. */
async function findKey(options: TokenOptions, name: Pkcs11Name, uri: KeyUri): Promise<TokenPublicKey | undefined> {
  const listing = await run(options, uri, [...tokenArguments(name), "--list-objects", "--type=pubkey"]);
  const matching = readTokenObjects(listing.toString("utf8")).filter(
    ({ label, idHex }) => (name.label ?? label) === label && (name.idHex ?? idHex) === idHex,
  );
  if (matching.length > 1) {
    throw signingErrors("key.bad-uri", { uri: uri.text, reason: "several keys have this name: add id=" });
  }
  return matching[0];
}

interface SignRequest {
  readonly name: Pkcs11Name;
  readonly uri: KeyUri;
  readonly idHex: string;
  readonly mechanism: "ECDSA" | "EDDSA";
  /** The hash; for EdDSA the message. */
  readonly input: Uint8Array;
}

/** By ID alone: OpenSC 0.23 takes some key when `--sign` is given a label. EdDSA needs a newer one. */
async function signInput(options: TokenOptions, request: SignRequest): Promise<Buffer> {
  const { name, uri, idHex, mechanism, input } = request;
  const directory = await mkdtemp(join(options.scratchDirectory, "token-"));
  try {
    const file = join(directory, "input");
    await writeFile(file, input, { mode: 0o600 });
    return await run(options, uri, [
      ...tokenArguments(name),
      "--sign",
      `--mechanism=${mechanism}`,
      ...(mechanism === "ECDSA" ? ["--signature-format=openssl"] : []),
      `--id=${idHex}`,
      `--input-file=${file}`,
    ]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function tokenArguments({ token }: Pkcs11Name): string[] {
  return token === undefined ? [] : [`--token-label=${token}`];
}

async function run(options: TokenOptions, uri: KeyUri, args: readonly string[]): Promise<Buffer> {
  const { module, pinFile, environment, runTool } = options;
  const pin = pinFile === undefined ? undefined : await readPin(pinFile);
  // The PIN goes by the environment, which other users cannot read, and never into argv.
  const login = pin === undefined ? [] : ["--login", `--pin=env:${PIN_VARIABLE}`];
  const env = { ...environment, ...(pin === undefined ? {} : { [PIN_VARIABLE]: pin }) };
  try {
    const result = await runTool("pkcs11-tool", [`--module=${module}`, ...login, ...args], { ...LIMITS, env });
    if (result.code === 0) return Buffer.from(result.stdout);
    throw signingErrors("key.refused", { where: uri.text, reason: reasonIn(result.stderr) });
  } catch (error) {
    if (!isPratiqueError(error, "command.failed")) throw error;
    const reason = "pkcs11-tool cannot be run (Debian: apt install opensc)";
    throw signingErrors("key.unreachable", { where: uri.text, reason }, { cause: error });
  }
}

async function readPin(path: string): Promise<string> {
  const text = await readSecretFile(path);
  if (text === undefined) throw signingErrors("key.unusable", { where: path, reason: "there is no such file" });
  return text.replace(/\r?\n$/, "");
}

/** The tool's own words, which hold no PIN: `CKR_PIN_INCORRECT` says more than we could. */
function reasonIn(stderr: string): string {
  const line = stderr.split("\n").find((text) => /CKR_|error:|No slot/.test(text)) ?? "pkcs11-tool failed";
  return line.replace(/^error: /, "").slice(0, 200);
}
