// X.509 certificates: their structure, their extensions, and how they are signed. Pure but for the key.
import { createHash, type KeyObject } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
} from "@peculiar/asn1-x509";
import type { SigstoreKey } from "./sigstore-keys.ts";

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const ORGANIZATION = "2.5.4.10";
const COMMON_NAME = "2.5.4.3";

export const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
export const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";

/** ECDSA with SHA-256; its parameters are absent (RFC 5758 §3.2). */
export function ecdsaWithSha256(): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
}

export function nameOf(organization: string, commonName: string): Name {
  const part = (type: string, utf8String: string): RelativeDistinguishedName =>
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String }) })]);
  return new Name([part(ORGANIZATION, organization), part(COMMON_NAME, commonName)]);
}

export interface CertificateParts {
  readonly serial: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
}

export function tbsOf(parts: CertificateParts): TBSCertificate {
  return new TBSCertificate({
    version: Version.v3,
    serialNumber: arrayBuffer(parts.serial),
    signature: ecdsaWithSha256(),
    issuer: parts.issuer,
    validity: new Validity({ notBefore: parts.notBefore, notAfter: parts.notAfter }),
    subject: parts.subject,
    subjectPublicKeyInfo: AsnConvert.parse(spkiOf(parts.publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions([...parts.extensions]),
  });
}

/** The certificate's DER. */
export async function signCertificate(tbs: TBSCertificate, key: SigstoreKey): Promise<Buffer> {
  const signature = await key.sign(encode(tbs));
  return encode(
    new Certificate({
      tbsCertificate: tbs,
      signatureAlgorithm: ecdsaWithSha256(),
      signatureValue: arrayBuffer(signature),
    }),
  );
}

export function extension(extnID: string, critical: boolean, value: Uint8Array): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(value) });
}

/** What a certificate authority's own certificate says. */
export function authorityExtensions(publicKey: KeyObject): Extension[] {
  return [
    extension(id_ce_keyUsage, true, encode(new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign))),
    extension(id_ce_basicConstraints, true, encode(new BasicConstraints({ cA: true, pathLenConstraint: 0 }))),
    subjectKey(publicKey),
  ];
}

/** What a certificate of one purpose says: it signs, and only for that. */
export function leafExtensions(publicKey: KeyObject, issuerKey: KeyObject, purpose: string): Extension[] {
  return [
    extension(id_ce_keyUsage, true, encode(new KeyUsage(KeyUsageFlags.digitalSignature))),
    // RFC 3161 §2.3: critical for a timestamp authority.
    extension(id_ce_extKeyUsage, purpose === TIME_STAMPING, encode(new ExtendedKeyUsage([purpose]))),
    subjectKey(publicKey),
    extension(
      id_ce_authorityKeyIdentifier,
      false,
      encode(new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(issuerKey)) })),
    ),
  ];
}

function subjectKey(publicKey: KeyObject): Extension {
  return extension(id_ce_subjectKeyIdentifier, false, encode(new SubjectKeyIdentifier(keyIdentifier(publicKey))));
}

/** RFC 5280 §4.2.1.2, method 1: SHA-1 of the key's bit string. A name, not a promise of its integrity. */
function keyIdentifier(publicKey: KeyObject): Uint8Array<ArrayBuffer> {
  const { subjectPublicKey } = AsnConvert.parse(spkiOf(publicKey), SubjectPublicKeyInfo);
  return new Uint8Array(createHash("sha1").update(new Uint8Array(subjectPublicKey)).digest());
}

export function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

export function encode(value: unknown): Buffer {
  return Buffer.from(AsnConvert.serialize(value));
}

export function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** 16 random bytes with a leading zero bit and never zero in front: a positive, minimal INTEGER of 127 bits. */
export function serialOf(random: (size: number) => Uint8Array): Uint8Array {
  const serial = Buffer.from(random(16));
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

export function pemOf(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
