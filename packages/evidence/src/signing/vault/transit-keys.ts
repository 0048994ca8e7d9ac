// Keys in the transit engine of HashiCorp Vault or OpenBao: they sign there, and their private halves stay there.
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import type { Json } from "@pratique/core";
import { z } from "zod";
import { noKeyAt, signingErrors } from "../errors.ts";
import { hashOf, type KeyAlgorithm } from "../key-algorithm.ts";
import type { KeyProvider } from "../key-provider.ts";
import type { KeyUri } from "../key-uri.ts";
import { remoteSigningKey, type SigningKey } from "../signing-key.ts";
import { askVault, isAbsent, vaultProblem, type VaultAnswer, type VaultOptions } from "./vault-client.ts";

export type { VaultOptions } from "./vault-client.ts";

/** Vault's names of the kinds of key that we sign with. */
const ALGORITHMS: Readonly<Record<string, KeyAlgorithm>> = {
  "ecdsa-p256": "ecdsa-p256",
  "ecdsa-p384": "ecdsa-p384",
  ed25519: "ed25519",
};

const KeyAnswer = z.looseObject({
  data: z.looseObject({
    type: z.string(),
    latest_version: z.int().positive(),
    keys: z.record(z.string(), z.looseObject({ public_key: z.string().max(8192) })),
  }),
});
const SignAnswer = z.looseObject({
  data: z.looseObject({
    signature: z
      .string()
      .regex(/^vault:v\d+:[A-Za-z0-9+/]+=*$/)
      .max(4096),
  }),
});

/** DER of SubjectPublicKeyInfo for Ed25519 up to the 32 bytes of the key (RFC 8410). */
const ED25519_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** `hashivault://NAME` as cosign writes it, and `openbao://NAME`; `?version=N` takes another version than the newest. */
export function transitKeys(options: VaultOptions): KeyProvider {
  return {
    holds: "the transit engine of Vault or OpenBao",
    schemes: ["hashivault", "openbao"],
    open: (uri) => openTransitKey(options, uri),
    create: (uri, algorithm) => createTransitKey(options, uri, algorithm),
  };
}

async function openTransitKey(options: VaultOptions, uri: KeyUri): Promise<SigningKey> {
  const { name, version } = parseTransitUri(uri);
  const answer = await askVault(options, "GET", `keys/${name}`);
  if (isAbsent(answer)) throw noKeyAt(uri);
  const { data } = answerOf(KeyAnswer, answer, uri);
  const algorithm = ALGORITHMS[data.type];
  if (algorithm === undefined) {
    throw signingErrors("key.unusable", { where: uri.text, reason: `it is of the type ${data.type.slice(0, 40)}` });
  }
  // The version is held fast: a rotation in between must not sign with a key that the bundle does not name.
  const wanted = version ?? data.latest_version;
  const publicKey = publicKeyOf(data.keys[String(wanted)]?.public_key);
  if (publicKey === undefined) {
    throw signingErrors("key.unusable", { where: uri.text, reason: `it shows no public key of version ${wanted}` });
  }
  return remoteSigningKey(publicKey, uri.text, (message) =>
    signThere(options, uri, { name, version: wanted, algorithm, message }),
  );
}

interface TransitRequest {
  readonly name: string;
  readonly version: number;
  readonly algorithm: KeyAlgorithm;
  readonly message: Uint8Array;
}

async function signThere(options: VaultOptions, uri: KeyUri, request: TransitRequest): Promise<Buffer> {
  const { name, version, algorithm, message } = request;
  const hash = hashOf(algorithm);
  const input = hash === undefined ? message : createHash(hash).update(message).digest();
  const body: Json = {
    input: Buffer.from(input).toString("base64"),
    key_version: version,
    ...(hash === undefined
      ? {}
      : { prehashed: true, marshaling_algorithm: "asn1", hash_algorithm: hash === "sha256" ? "sha2-256" : "sha2-384" }),
  };
  const answer = answerOf(SignAnswer, await askVault(options, "POST", `sign/${name}`, body), uri);
  return Buffer.from(answer.data.signature.split(":")[2] ?? "", "base64");
}

async function createTransitKey(options: VaultOptions, uri: KeyUri, algorithm: KeyAlgorithm): Promise<SigningKey> {
  const { name } = parseTransitUri(uri);
  // Vault answers a second creation as it does the first: whether there is one must be asked.
  const standing = await askVault(options, "GET", `keys/${name}`);
  if (standing.status === 200) throw signingErrors("key.exists", { name: uri.text });
  if (!isAbsent(standing)) throw signingErrors("key.refused", { where: uri.text, reason: vaultProblem(standing) });
  const answer = await askVault(options, "POST", `keys/${name}`, { type: algorithm, exportable: false });
  if (answer.status !== 200 && answer.status !== 204) {
    throw signingErrors("key.refused", { where: uri.text, reason: vaultProblem(answer) });
  }
  return await openTransitKey(options, uri);
}

function parseTransitUri({ rest, text }: KeyUri): { readonly name: string; readonly version: number | undefined } {
  const [, name, version] = /^\/\/([A-Za-z0-9][\w.-]{0,127})(?:\?version=([1-9]\d{0,8}))?$/.exec(rest) ?? [];
  if (name === undefined) throw signingErrors("key.bad-uri", { uri: text, reason: "it is hashivault://NAME" });
  return { name, version: version === undefined ? undefined : Number(version) };
}

function answerOf<T>(schema: z.ZodType<T>, answer: VaultAnswer, uri: KeyUri): T {
  if (answer.status === 200) {
    const parsed = schema.safeParse(answer.body);
    if (parsed.success) return parsed.data;
  }
  const code = answer.status >= 500 ? "key.unreachable" : "key.refused";
  throw signingErrors(code, { where: uri.text, reason: vaultProblem(answer) });
}

/** PEM for ECDSA, the 32 bytes in base64 for Ed25519. */
function publicKeyOf(text: string | undefined): KeyObject | undefined {
  if (text === undefined) return undefined;
  try {
    if (text.startsWith("-----BEGIN PUBLIC KEY-----")) return createPublicKey(text);
    const raw = Buffer.from(text, "base64");
    if (raw.length !== 32) return undefined;
    return createPublicKey({ key: Buffer.concat([ED25519_PREFIX, raw]), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}
