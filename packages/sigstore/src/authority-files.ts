// The certificates that a Sigstore keeps: its own authority's, and the timestamp authority's chain.
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@pratique/core";
import { fileError, systemCode, writeFileDurably } from "@pratique/store";
import {
  authorityExtensions,
  leafExtensions,
  nameOf,
  pemOf,
  serialOf,
  signCertificate,
  tbsOf,
  TIME_STAMPING,
} from "./certificate.ts";
import { sigstoreErrors } from "./errors.ts";
import { keyOf, type SigstoreKey } from "./sigstore-keys.ts";

export interface AuthorityContext {
  readonly directory: string;
  /** The organisation that certificates name. */
  readonly organization: string;
  readonly clock: Clock;
  readonly random: (size: number) => Uint8Array;
}

const CA_FILE = "ca.crt";
const TSA_FILE = "tsa.crt";
const YEARS = 10;
const LIMIT_BYTES = 64 * 1024;

/** The authority's own certificate, made on first use. @throws `sigstore.bad-certificate` */
export async function openAuthorityCertificate(context: AuthorityContext, key: SigstoreKey): Promise<Buffer> {
  const file = join(context.directory, CA_FILE);
  const [known] = (await readChain(file)) ?? [];
  if (known !== undefined) return checked(known, key, file);
  const name = nameOf(context.organization, "pratique sigstore");
  const made = await signCertificate(
    tbsOf({
      ...validity(context.clock),
      serial: serialOf(context.random),
      issuer: name,
      subject: name,
      publicKey: key.publicKey,
      extensions: authorityExtensions(key.publicKey),
    }),
    key,
  );
  await writeFileDurably(file, pemOf(made));
  return made;
}

/**
 * The timestamp authority's chain: its certificate, then its root, whose key is forgotten once it has signed this one.
 * @throws `sigstore.bad-certificate`
 */
export async function openTimestampChain(context: AuthorityContext, key: SigstoreKey): Promise<readonly Buffer[]> {
  const file = join(context.directory, TSA_FILE);
  const known = await readChain(file);
  if (known !== undefined) {
    const [leaf, root] = known;
    if (leaf === undefined || root === undefined) throw bad(file, "it does not hold a certificate and its root");
    return [checked(leaf, key, file), root];
  }
  const root = keyOf(generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey);
  const rootName = nameOf(context.organization, "pratique timestamp root");
  const dates = validity(context.clock);
  const rootCertificate = await signCertificate(
    tbsOf({
      ...dates,
      serial: serialOf(context.random),
      issuer: rootName,
      subject: rootName,
      publicKey: root.publicKey,
      extensions: authorityExtensions(root.publicKey),
    }),
    root,
  );
  const leaf = await signCertificate(
    tbsOf({
      ...dates,
      serial: serialOf(context.random),
      issuer: rootName,
      subject: nameOf(context.organization, "pratique timestamp authority"),
      publicKey: key.publicKey,
      extensions: leafExtensions(key.publicKey, root.publicKey, TIME_STAMPING),
    }),
    root,
  );
  await writeFileDurably(file, pemOf(leaf) + pemOf(rootCertificate));
  return [leaf, rootCertificate];
}

/** Whole seconds, since certificates have no others. */
function validity(clock: Clock): { readonly notBefore: Date; readonly notAfter: Date } {
  const notBefore = new Date(Math.floor(clock.now().getTime() / 1000) * 1000);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + YEARS);
  return { notBefore, notAfter };
}

function checked(der: Buffer, key: SigstoreKey, file: string): Buffer {
  const { publicKey } = new X509Certificate(der);
  if (publicKey.equals(key.publicKey)) return der;
  throw bad(file, "it was made for another key than the one beside it");
}

async function readChain(file: string): Promise<Buffer[] | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw fileError(error, file);
  }
  if (text.length > LIMIT_BYTES) throw bad(file, "it is too large");
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw bad(file, "it holds no certificate");
  try {
    return blocks.map((block) => new X509Certificate(block).raw);
  } catch (cause) {
    throw sigstoreErrors("sigstore.bad-certificate", { file, reason: "it cannot be read" }, { cause });
  }
}

function bad(file: string, reason: string): Error {
  return sigstoreErrors("sigstore.bad-certificate", { file, reason });
}
