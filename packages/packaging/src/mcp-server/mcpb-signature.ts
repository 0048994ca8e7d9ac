// The signature of an MCP bundle: detached PKCS#7 (RFC 5652) in a block after the archive, over every byte before it.
import { createHash, createPublicKey, timingSafeEqual, verify, X509Certificate } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import { ContentInfo, id_signedData, SignedData, type SignerInfo } from "@peculiar/asn1-cms";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { packagingErrors } from "../errors.ts";

/** As `@anthropic-ai/mcpb` writes the block: header, length (32 bits, little endian), PKCS#7 in DER, footer. */
const HEADER = Buffer.from("MCPB_SIG_V1");
const FOOTER = Buffer.from("MCPB_SIG_END");
const LENGTH_BYTES = 4;
const LIMIT_SIGNATURE = 256 * 1024;

const ID_CONTENT_TYPE = "1.2.840.113549.1.9.3";
const ID_MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);
/** RSA with PKCS#1 v1.5 padding, with and without its digest, and ECDSA. */
const SIGNATURES: ReadonlySet<string> = new Set([
  "1.2.840.113549.1.1.1",
  "1.2.840.113549.1.1.11",
  "1.2.840.113549.1.1.12",
  "1.2.840.113549.1.1.13",
  "1.2.840.10045.4.3.2",
  "1.2.840.10045.4.3.3",
  "1.2.840.10045.4.3.4",
]);

export type McpbSignature =
  | { readonly status: "unsigned" }
  /** A block is there and does not hold: the bundle was changed, or was never signed so. */
  | { readonly status: "invalid"; readonly reason: string }
  | {
      readonly status: "signed";
      readonly subject: string;
      readonly issuer: string;
      /** SHA-256 of the certificate. */
      readonly fingerprint: string;
      readonly validFrom: string;
      readonly validTo: string;
      readonly isSelfSigned: boolean;
      /** Its chain ends at a root that this machine trusts, and the certificate is for signing code. */
      readonly isTrusted: boolean;
    };

/** @param roots PEM certificates; by default those that come with Node */
export async function verifyMcpbSignature(
  path: string,
  o: { readonly now: Date; readonly roots?: readonly string[] },
): Promise<McpbSignature> {
  const file = await open(path, "r");
  try {
    const block = await readBlock(file);
    if (block === undefined) return { status: "unsigned" };
    if ("reason" in block) return { status: "invalid", reason: block.reason };
    const signed = parsed(block.signature);
    if (typeof signed === "string") return { status: "invalid", reason: signed };
    const digest = await hashOf(file, block.contentBytes, signed.algorithm);
    const problem = problemOf(signed, digest);
    if (problem !== undefined) return { status: "invalid", reason: problem };
    return describe(signed, o.now, o.roots ?? rootCertificates);
  } finally {
    await file.close();
  }
}

/** Whoever made it: what is signed is what is there. @throws `mcpb.bad-signature` */
export async function requireWholeSignature(path: string): Promise<void> {
  const signature = await verifyMcpbSignature(path, { now: new Date(0), roots: [] });
  if (signature.status === "invalid") throw packagingErrors("mcpb.bad-signature", { path, reason: signature.reason });
}

async function readBlock(
  file: FileHandle,
): Promise<{ contentBytes: number; signature: Buffer } | { reason: string } | undefined> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, LIMIT_SIGNATURE);
  const tail = Buffer.alloc(tailBytes);
  await file.read(tail, 0, tailBytes, size - tailBytes);
  if (!tail.subarray(-FOOTER.length).equals(FOOTER)) return undefined;
  const at = tail.lastIndexOf(HEADER, tail.length - FOOTER.length - 1);
  if (at === -1) return { reason: "its signature has no beginning" };
  const start = at + HEADER.length + LENGTH_BYTES;
  const end = tail.length - FOOTER.length;
  // One reading of where it stands: anything between would be signed by nobody.
  if (start > end || tail.readUInt32LE(at + HEADER.length) !== end - start) {
    return { reason: "its signature has not the length that it says" };
  }
  return { contentBytes: size - tailBytes + at, signature: tail.subarray(start, end) };
}

interface Signed {
  readonly certificate: X509Certificate;
  readonly others: readonly X509Certificate[];
  readonly algorithm: string;
  /** DER of the signed attributes as a SET. */
  readonly attributes: Buffer;
  readonly messageDigest: Buffer;
  readonly signature: Buffer;
}

/** One sentence when it is none that counts. */
function parsed(der: Buffer): Signed | string {
  try {
    const info = AsnConvert.parse(der, ContentInfo);
    if (info.contentType !== id_signedData) return "it is no signed data";
    return signedOf(AsnConvert.parse(info.content, SignedData));
  } catch {
    // Whatever the codec makes of bytes that are none of its kind.
    return "its signature is no PKCS#7";
  }
}

function signedOf(data: SignedData): Signed | string {
  const [signer, ...more] = data.signerInfos;
  if (signer === undefined || more.length > 0) return "it must have one signer";
  const certificates = readCertificates(data);
  const certificate = certificates.find((one) => isOf(one.der, signer));
  if (certificate === undefined) return "the certificate of its signer is not in it";
  const algorithm = DIGESTS.get(signer.digestAlgorithm.algorithm);
  if (algorithm === undefined || !SIGNATURES.has(signer.signatureAlgorithm.algorithm)) {
    return "its algorithms are not accepted";
  }
  // Without attributes the signature would be over the content itself; no bundle is signed so.
  if (signer.signedAttrs === undefined || signer.signedAttrs.length === 0) return "it signs no attributes";
  const attributes = setOf(signer.signedAttrs.map((one) => Buffer.from(AsnConvert.serialize(one))));
  const value = (type: string): ArrayBuffer | undefined => {
    const found = signer.signedAttrs?.filter(({ attrType }) => attrType === type) ?? [];
    return found.length === 1 && found[0]?.attrValues.length === 1 ? found[0].attrValues[0] : undefined;
  };
  const [type, digest] = [value(ID_CONTENT_TYPE), value(ID_MESSAGE_DIGEST)];
  if (type === undefined || digest === undefined) return "it does not say what it signs";
  if (!Buffer.from(type).equals(ID_DATA_DER)) return "it signs another type of content";
  const messageDigest = Buffer.from(AsnConvert.parse(digest, OctetString).buffer);
  return {
    certificate: certificate.x509,
    others: certificates.filter((one) => one !== certificate).map(({ x509 }) => x509),
    algorithm,
    attributes,
    messageDigest,
    signature: Buffer.from(signer.signature.buffer),
  };
}

/**
 * RFC 5652 §5.4: what is signed is the DER of the SET, not the implicit tag under which it stands. Attributes that are
 * written in another way than DER do not verify.
 */
function setOf(items: readonly Buffer[]): Buffer {
  const content = Buffer.concat(items);
  const bytes: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  const length = content.length < 128 ? [content.length] : [0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([0x31, ...length]), content]);
}

/** OBJECT IDENTIFIER id-data. */
const ID_DATA_DER = Buffer.from("06092a864886f70d010701", "hex");

interface ReadCertificate {
  readonly x509: X509Certificate;
  readonly der: NonNullable<NonNullable<SignedData["certificates"]>[number]["certificate"]>;
}

function readCertificates(data: SignedData): ReadCertificate[] {
  return (data.certificates ?? []).slice(0, 20).flatMap(({ certificate }): ReadCertificate[] => {
    if (certificate === undefined) return [];
    try {
      return [{ der: certificate, x509: new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))) }];
    } catch {
      return [];
    }
  });
}

function isOf(certificate: ReadCertificate["der"], { sid }: SignerInfo): boolean {
  const named = sid.issuerAndSerialNumber;
  if (named === undefined) return false;
  const { serialNumber, issuer } = certificate.tbsCertificate;
  return (
    Buffer.from(named.serialNumber).equals(Buffer.from(serialNumber)) &&
    Buffer.from(AsnConvert.serialize(named.issuer)).equals(Buffer.from(AsnConvert.serialize(issuer)))
  );
}

async function hashOf(file: FileHandle, bytes: number, algorithm: string): Promise<Buffer> {
  const hash = createHash(algorithm);
  if (bytes > 0) {
    const stream = file.createReadStream({ start: 0, end: bytes - 1, autoClose: false });
    for await (const chunk of stream) hash.update(chunk);
  }
  return hash.digest();
}

function problemOf(
  { certificate, algorithm, attributes, messageDigest, signature }: Signed,
  digest: Buffer,
): string | undefined {
  if (digest.length !== messageDigest.length || !timingSafeEqual(digest, messageDigest)) {
    return "it was changed after it was signed";
  }
  try {
    const key = createPublicKey(certificate.publicKey.export({ type: "spki", format: "pem" }));
    if (!verify(algorithm, attributes, key, signature)) return "its signature does not verify";
    // Nothing else holds a certificate together that nobody else has signed.
    const isBroken = certificate.checkIssued(certificate) && !certificate.verify(certificate.publicKey);
    const isDated = [certificate.validFrom, certificate.validTo].every((date) => !Number.isNaN(Date.parse(date)));
    return isBroken || !isDated ? "its certificate does not hold" : undefined;
  } catch {
    return "its signature cannot be verified with its key";
  }
}

function describe({ certificate, others }: Signed, now: Date, roots: readonly string[]): McpbSignature {
  return {
    status: "signed",
    subject: line(certificate.subject),
    issuer: line(certificate.issuer),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
    isSelfSigned: certificate.checkIssued(certificate),
    isTrusted: isCodeSigning(certificate) && isChained(certificate, others, now, roots),
  };
}

function isCodeSigning(certificate: X509Certificate): boolean {
  return certificate.keyUsage?.includes(CODE_SIGNING) === true;
}

const DEPTH = 8;

function isChained(
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  now: Date,
  roots: readonly string[],
): boolean {
  let current = certificate;
  for (let depth = 0; depth < DEPTH; depth += 1) {
    if (now < new Date(current.validFrom) || now > new Date(current.validTo)) return false;
    const root = roots.map((pem) => new X509Certificate(pem)).find((one) => isIssuer(one, current));
    if (root !== undefined) return now >= new Date(root.validFrom) && now <= new Date(root.validTo);
    const next = others.find((one) => one !== current && one.ca && isIssuer(one, current));
    if (next === undefined) return false;
    current = next;
  }
  return false;
}

function isIssuer(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** `C=US\nO=X\nCN=Y` in one line. */
function line(name: string): string {
  return name.replaceAll("\n", ", ").slice(0, 500);
}
