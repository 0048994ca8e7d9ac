// A certificate that keeps its encoding and what it found of itself: the verifier asks for both again and again.
import { ASN1Obj, X509Certificate } from "@sigstore/core";

type Tag = ASN1Obj["tag"];

/** An ASN.1 object of bytes that do not change. */
class FixedObject extends ASN1Obj {
  readonly #der: Buffer;

  constructor(tag: Tag, value: Buffer, subs: ASN1Obj[], der: Buffer) {
    super(tag, value, subs);
    this.#der = der;
  }

  override toDER(): Buffer {
    return this.#der;
  }
}

export class FixedCertificate extends X509Certificate {
  readonly #verified = new WeakMap<X509Certificate, boolean>();

  /** @throws what its parser throws on bytes that are no DER */
  static of(der: Uint8Array): FixedCertificate {
    const bytes = Buffer.from(der);
    const { tag, value, subs } = ASN1Obj.parseBuffer(bytes);
    const [tbs, ...rest] = subs;
    // What is not minimal DER would be encoded otherwise than it came: then it is left to the parser's own way.
    if (tbs === undefined) return new FixedCertificate(new ASN1Obj(tag, value, subs));
    const fixed = new FixedObject(tbs.tag, tbs.value, tbs.subs, tbs.toDER());
    const whole = new ASN1Obj(tag, value, subs).toDER();
    return new FixedCertificate(new FixedObject(tag, value, [fixed, ...rest], whole));
  }

  /** One certificate is by another or is not; a cache of this object alone, and gone with it. */
  override verify(issuer?: X509Certificate): boolean {
    const by = issuer ?? this;
    const known = this.#verified.get(by);
    if (known !== undefined) return known;
    const isVerified = super.verify(issuer);
    this.#verified.set(by, isVerified);
    return isVerified;
  }
}
