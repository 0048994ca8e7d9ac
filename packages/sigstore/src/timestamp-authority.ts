// The timestamp authority of RFC 3161: says that a digest was there at a time, and signs that.
import { createHash } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  CertificateChoices,
  CertificateSet,
  ContentInfo,
  DigestAlgorithmIdentifiers,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
} from "@peculiar/asn1-cms";
import {
  Accuracy,
  MessageImprint,
  PKIStatus,
  PKIStatusInfo,
  TimeStampReq,
  TimeStampResp,
  TimeStampToken,
  TSTInfo,
} from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier, Certificate } from "@peculiar/asn1-x509";
import { Attribute } from "@peculiar/asn1-cms";
import type { Clock } from "@pratique/core";
import { arrayBuffer, ecdsaWithSha256, encode, serialOf } from "./certificate.ts";
import { der, derOctetString, derSequence, derSetOf } from "./der.ts";
import { sigstoreErrors } from "./errors.ts";
import type { SigstoreKey } from "./sigstore-keys.ts";

const ID_SIGNED_DATA = "1.2.840.113549.1.7.2";
const ID_TST_INFO = "1.2.840.113549.1.9.16.1.4";
const ID_CONTENT_TYPE = "1.2.840.113549.1.9.3";
const ID_MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const ID_SIGNING_TIME = "1.2.840.113549.1.9.5";
const ID_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
const OBJECT_IDENTIFIER = 0x06;
const UTC_TIME = 0x17;
/** Sigstore's policy for timestamps (timestamp-authority, pkg/signer). */
const POLICY = "1.3.6.1.4.1.57264.2";

const SHA256 = "2.16.840.1.101.3.4.2.1";
/** Digest algorithms that may be stamped, and their lengths. */
const IMPRINTS: ReadonlyMap<string, number> = new Map([
  [SHA256, 32],
  ["2.16.840.1.101.3.4.2.2", 48],
  ["2.16.840.1.101.3.4.2.3", 64],
]);
const NONCE_LIMIT_BYTES = 64;

export interface TimestampRequest {
  readonly imprint: MessageImprint;
  readonly digest: Buffer;
  readonly nonce: ArrayBuffer | undefined;
  readonly wantsCertificate: boolean;
}

/** Reads a DER request. @throws `sigstore.bad-request` */
export function parseTimestampRequest(bytes: Uint8Array): TimestampRequest {
  let request: TimeStampReq;
  try {
    request = AsnConvert.parse(bytes, TimeStampReq);
  } catch (cause) {
    throw sigstoreErrors("sigstore.bad-request", { problem: "it is no DER timestamp request" }, { cause });
  }
  const { messageImprint, reqPolicy, nonce, certReq, extensions } = request;
  if (reqPolicy !== undefined && reqPolicy !== POLICY)
    throw badRequest(`the policy ${reqPolicy} is not this authority's`);
  if (extensions !== undefined && extensions.length > 0) throw badRequest("no extension is known here");
  const digest = Buffer.from(messageImprint.hashedMessage.buffer);
  return checkedRequest(messageImprint.hashAlgorithm.algorithm, digest, nonce, certReq);
}

/** The JSON form of sigstore-js: fields as the timestamp authority's OpenAPI has them. @throws `sigstore.bad-request` */
export function timestampRequestOf(fields: {
  readonly digest: Buffer;
  readonly nonce?: bigint | undefined;
  readonly wantsCertificate: boolean;
}): TimestampRequest {
  const { nonce } = fields;
  return checkedRequest(
    SHA256,
    fields.digest,
    nonce === undefined ? undefined : integerBytes(nonce),
    fields.wantsCertificate,
  );
}

function checkedRequest(
  algorithm: string,
  digest: Buffer,
  nonce: ArrayBuffer | undefined,
  wantsCertificate: boolean,
): TimestampRequest {
  if (IMPRINTS.get(algorithm) !== digest.length) throw badRequest("it is no SHA-256, SHA-384 or SHA-512 digest");
  if ((nonce?.byteLength ?? 0) > NONCE_LIMIT_BYTES) throw badRequest("its nonce is too long");
  const imprint = new MessageImprint({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm, parameters: null }),
    hashedMessage: new OctetString(digest),
  });
  return { imprint, digest, nonce, wantsCertificate };
}

function badRequest(problem: string): Error {
  return sigstoreErrors("sigstore.bad-request", { problem });
}

/** Two's complement, as an INTEGER holds it. */
function integerBytes(value: bigint): ArrayBuffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return arrayBuffer((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

export interface TimestampAuthorityOptions {
  readonly key: SigstoreKey;
  /** The authority's certificate, then its root. */
  readonly chain: readonly Buffer[];
  readonly clock: Clock;
  readonly random: (size: number) => Uint8Array;
}

export interface IssuedTimestamp {
  /** DER of a TimeStampResp. */
  readonly response: Buffer;
  readonly time: Date;
  readonly serial: string;
}

export class TimestampAuthority {
  readonly #options: TimestampAuthorityOptions;
  readonly #certificate: Certificate;

  constructor(options: TimestampAuthorityOptions) {
    this.#options = options;
    this.#certificate = AsnConvert.parse(options.chain[0]!, Certificate);
  }

  get chain(): readonly Buffer[] {
    return this.#options.chain;
  }

  async stamp({ imprint, nonce, wantsCertificate }: TimestampRequest): Promise<IssuedTimestamp> {
    const { clock, random } = this.#options;
    const time = new Date(Math.floor(clock.now().getTime() / 1000) * 1000);
    const serial = serialOf(random);
    const info = encode(
      new TSTInfo({
        policy: POLICY,
        messageImprint: imprint,
        serialNumber: arrayBuffer(serial),
        genTime: time,
        accuracy: new Accuracy({ seconds: 1 }),
        ordering: false,
        ...(nonce === undefined ? {} : { nonce }),
      }),
    );
    const signed = await this.#sign(info, time, wantsCertificate);
    const response = encode(
      new TimeStampResp({
        status: new PKIStatusInfo({ status: PKIStatus.granted }),
        timeStampToken: new TimeStampToken(
          new ContentInfo({ contentType: ID_SIGNED_DATA, content: arrayBuffer(signed) }),
        ),
      }),
    );
    return { response, time, serial: Buffer.from(serial).toString("hex") };
  }

  async #sign(info: Buffer, time: Date, wantsCertificate: boolean): Promise<Buffer> {
    const { key, chain } = this.#options;
    const certificate = chain[0]!;
    const attributes = [
      attribute(ID_CONTENT_TYPE, oid(ID_TST_INFO)),
      attribute(ID_SIGNING_TIME, der(UTC_TIME, Buffer.from(utcTime(time)))),
      attribute(ID_MESSAGE_DIGEST, derOctetString(sha256(info))),
      // RFC 5816: names the certificate by its SHA-256, which is the default algorithm and therefore left out.
      attribute(ID_SIGNING_CERTIFICATE_V2, derSequence(derSequence(derSequence(derOctetString(sha256(certificate)))))),
    ].toSorted((one, other) => Buffer.compare(encode(one), encode(other)));
    const signature = await key.sign(derSetOf(attributes.map(encode)));
    const digestAlgorithm = new AlgorithmIdentifier({ algorithm: SHA256, parameters: null });
    const { issuer, serialNumber } = this.#certificate.tbsCertificate;
    return encode(
      new SignedData({
        version: 3,
        digestAlgorithms: new DigestAlgorithmIdentifiers([digestAlgorithm]),
        encapContentInfo: new EncapsulatedContentInfo({
          eContentType: ID_TST_INFO,
          eContent: new EncapsulatedContent({ single: new OctetString(info) }),
        }),
        ...(wantsCertificate
          ? { certificates: new CertificateSet([new CertificateChoices({ certificate: this.#certificate })]) }
          : {}),
        signerInfos: new SignerInfos([
          new SignerInfo({
            version: 1,
            sid: new SignerIdentifier({ issuerAndSerialNumber: new IssuerAndSerialNumber({ issuer, serialNumber }) }),
            digestAlgorithm,
            signedAttrs: attributes,
            signatureAlgorithm: ecdsaWithSha256(),
            signature: new OctetString(signature),
          }),
        ]),
      }),
    );
  }
}

function attribute(attrType: string, value: Buffer): Attribute {
  return new Attribute({ attrType, attrValues: [arrayBuffer(value)] });
}

function oid(id: string): Buffer {
  const [first = 0, second = 0, ...rest] = id.split(".").map(Number);
  return der(OBJECT_IDENTIFIER, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const digits = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
  return digits;
}

/** YYMMDDHHMMSSZ (RFC 5652 §11.3, until 2049). */
function utcTime(time: Date): string {
  return `${time.toISOString().replaceAll(/[-:T]/g, "").slice(2, 14)}Z`;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
