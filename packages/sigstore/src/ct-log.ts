// The certificate log: every certificate is in its tree before the promise of that (the SCT) goes into the certificate.
import { createHash, type KeyObject } from "node:crypto";
import type { TileLog } from "@pratique/audit";
import type { Clock } from "@pratique/core";
import { derOctetString } from "./der.ts";
import { extension, spkiOf } from "./certificate.ts";
import type { SigstoreKey } from "./sigstore-keys.ts";
import type { Extension } from "@peculiar/asn1-x509";

const SCT_LIST = "1.3.6.1.4.1.11129.2.4.2";
/** hash sha256, signature ecdsa (RFC 5246 §7.4.1.4.1). */
const SHA256_ECDSA = Buffer.of(4, 3);

export interface CertificateLogOptions {
  readonly key: SigstoreKey;
  readonly log: TileLog;
  readonly issuerKey: KeyObject;
  readonly clock: Clock;
}

export class CertificateLog {
  readonly #options: CertificateLogOptions;
  readonly #issuerKeyHash: Buffer;

  constructor(options: CertificateLogOptions) {
    this.#options = options;
    this.#issuerKeyHash = sha256(spkiOf(options.issuerKey));
  }

  /** SHA-256 of the key's DER SPKI (RFC 6962 §3.2). */
  get logId(): Buffer {
    return sha256(spkiOf(this.#options.key.publicKey));
  }

  /** Logs a certificate that is to be, and gives the extension with its SCT (RFC 6962 §3.3). */
  async promise(tbsCertificate: Uint8Array): Promise<Extension> {
    const { key, log, clock } = this.#options;
    const timestamp = Buffer.alloc(8);
    timestamp.writeBigUInt64BE(BigInt(clock.now().getTime()));
    // RFC 6962 §3.4: v1, timestamped_entry, then the same fields that are signed.
    const entry = Buffer.concat([
      timestamp,
      u16(1),
      this.#issuerKeyHash,
      u24(tbsCertificate.length),
      tbsCertificate,
      u16(0),
    ]);
    await log.append(Buffer.concat([Buffer.of(0, 0), entry]));
    // RFC 6962 §3.2: v1, certificate_timestamp.
    const signature = await key.sign(Buffer.concat([Buffer.of(0, 0), entry]));
    const sct = Buffer.concat([
      Buffer.of(0),
      this.logId,
      timestamp,
      u16(0),
      SHA256_ECDSA,
      u16(signature.length),
      signature,
    ]);
    const list = Buffer.concat([u16(sct.length + 2), u16(sct.length), sct]);
    return extension(SCT_LIST, false, derOctetString(list));
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u24(value: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(value, 0, 3);
  return bytes;
}
