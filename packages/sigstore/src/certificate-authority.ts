// The certificate authority: a verified identity and a key that proved itself become a certificate of ten minutes.
import type { KeyObject } from "node:crypto";
import { type Extension, GeneralName, id_ce_subjectAltName, Name, SubjectAlternativeName } from "@peculiar/asn1-x509";
import type { Clock } from "@pratique/core";
import {
  CODE_SIGNING,
  encode,
  extension,
  leafExtensions,
  nameOf,
  serialOf,
  signCertificate,
  tbsOf,
} from "./certificate.ts";
import type { CertificateLog } from "./ct-log.ts";
import { der } from "./der.ts";
import type { CertifiedIdentity, FulcioExtension } from "./identity-claims.ts";
import type { SigstoreKey } from "./sigstore-keys.ts";

const LIFETIME_MS = 10 * 60_000;
const FULCIO = "1.3.6.1.4.1.57264.1";
const UTF8_STRING = 0x0c;
/** From arc 8 on the value is a DER string; before it stands bare (Fulcio, oid-info.md). */
const FIRST_DER_ARC = 8;

export interface CertificateAuthorityOptions {
  readonly key: SigstoreKey;
  readonly certificate: Buffer;
  readonly organization: string;
  readonly log: CertificateLog;
  readonly clock: Clock;
  readonly random: (size: number) => Uint8Array;
}

export interface IssuedCertificate {
  readonly certificate: Buffer;
  readonly serial: string;
  readonly notAfter: Date;
}

export class CertificateAuthority {
  readonly #options: CertificateAuthorityOptions;
  readonly #name: Name;

  constructor(options: CertificateAuthorityOptions) {
    this.#options = options;
    this.#name = nameOf(options.organization, "pratique sigstore");
  }

  /** The authority's own certificate. */
  get certificate(): Buffer {
    return this.#options.certificate;
  }

  /** Whoever calls has verified both: the token and the possession of the key. The certificate is logged when it is given. */
  async issue(identity: CertifiedIdentity, publicKey: KeyObject): Promise<IssuedCertificate> {
    const { key, log, clock, random } = this.#options;
    const notBefore = new Date(Math.floor(clock.now().getTime() / 1000) * 1000);
    const notAfter = new Date(notBefore.getTime() + LIFETIME_MS);
    const serial = serialOf(random);
    const extensions = [
      ...leafExtensions(publicKey, key.publicKey, CODE_SIGNING),
      subjectName(identity),
      ...identityExtensions(identity),
    ];
    const parts = { serial, issuer: this.#name, subject: new Name([]), notBefore, notAfter, publicKey };
    const promised = await log.promise(encode(tbsOf({ ...parts, extensions })));
    const certificate = await signCertificate(tbsOf({ ...parts, extensions: [...extensions, promised] }), key);
    return { certificate, serial: Buffer.from(serial).toString("hex"), notAfter };
  }
}

/** Critical, since the subject itself is empty (RFC 5280 §4.2.1.6). */
function subjectName({ nameType, subject }: CertifiedIdentity): Extension {
  const name =
    nameType === "email"
      ? new GeneralName({ rfc822Name: subject })
      : new GeneralName({ uniformResourceIdentifier: subject });
  return extension(id_ce_subjectAltName, true, encode(new SubjectAlternativeName([name])));
}

function identityExtensions({ issuer, extensions }: CertifiedIdentity): Extension[] {
  const all: FulcioExtension[] = [{ arc: 1, value: issuer }, { arc: FIRST_DER_ARC, value: issuer }, ...extensions];
  return all
    .toSorted((one, other) => one.arc - other.arc)
    .map(({ arc, value }) => {
      const text = Buffer.from(value);
      return extension(`${FULCIO}.${arc}`, false, arc < FIRST_DER_ARC ? text : der(UTF8_STRING, text));
    });
}
