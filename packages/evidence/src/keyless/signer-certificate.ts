// What a signer's certificate says of them. Read after it verified; read strictly all the same.
import type { X509Certificate } from "@sigstore/core";

type X509Extension = NonNullable<ReturnType<X509Certificate["extension"]>>;

const ISSUER = "1.3.6.1.4.1.57264.1.8";
const ISSUER_V1 = "1.3.6.1.4.1.57264.1.1";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
const SUBJECT_ALT_NAME = "2.5.29.17";
/** GeneralName: rfc822Name [1], uniformResourceIdentifier [6]. */
const NAMES: ReadonlySet<number> = new Set([1, 6]);

export function isForCodeSigning(certificate: X509Certificate): boolean {
  if (certificate.isCA) return false;
  const usage = certificate.extension(EXTENDED_KEY_USAGE);
  return usage !== undefined && inner(usage).subs.some((purpose) => purpose.toOID() === CODE_SIGNING);
}

/** Issuer and subject; undefined unless there is exactly one subject, an e-mail address or a URI. */
export function certifiedIdentity(
  certificate: X509Certificate,
): { readonly issuer: string; readonly subject: string } | undefined {
  const issuer = issuerOf(certificate);
  const alternatives = certificate.extension(SUBJECT_ALT_NAME);
  const names = alternatives === undefined ? [] : inner(alternatives).subs;
  const [name] = names;
  if (issuer === undefined || name === undefined || names.length !== 1) return undefined;
  if (![...NAMES].some((number) => name.tag.isContextSpecific(number))) return undefined;
  const subject = printable(name.value);
  return subject === undefined ? undefined : { issuer, subject };
}

function issuerOf(certificate: X509Certificate): string | undefined {
  const extension = certificate.extension(ISSUER);
  if (extension !== undefined) return printable(inner(extension).value);
  const older = certificate.extension(ISSUER_V1);
  return older === undefined ? undefined : printable(older.value);
}

/** What the octet string of an extension holds. */
function inner({ valueObj }: X509Extension): X509Extension["valueObj"] {
  const [value] = valueObj.subs;
  if (value === undefined) throw new TypeError("an extension is empty");
  return value;
}

/** ASCII without spaces: issuer and subject are joined by one, and read by people. */
function printable(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString("latin1");
  return /^[\x21-\x7e]{1,4096}$/.test(text) ? text : undefined;
}
