// The name that a TLS client asks for, out of its first bytes (RFC 8446 §4.1.2, RFC 6066 §3).

export type ServerName =
  /** Not all of it is here yet. */
  | { readonly type: "incomplete" }
  | { readonly type: "not-tls" }
  /** `name` undefined: it asks for none. */
  | { readonly type: "tls"; readonly name: string | undefined };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const RECORD_LIMIT = 16_384;
/** Hellos are some hundred bytes, some thousand with post-quantum keys. */
const HELLO_LIMIT = 65_536;
/** Of a hello. One may be cut into records of a byte; one that never ends must not be read again and again. */
const RECORDS = 4096;
const INCOMPLETE: ServerName = { type: "incomplete" };
const NOT_TLS: ServerName = { type: "not-tls" };

/** Reads as much as is there. What is malformed is no TLS. */
export function serverName(bytes: Uint8Array): ServerName {
  const hello = clientHello(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if ("type" in hello) return hello;
  try {
    return { type: "tls", name: nameIn(hello) };
  } catch {
    return NOT_TLS;
  }
}

/** The handshake message, put together from its records: it may be spread over several. */
function clientHello(bytes: Buffer): Buffer | ServerName {
  const parts: Buffer[] = [];
  let size = 0;
  let wanted: number | undefined;
  for (let at = 0; ;) {
    if (parts.length >= RECORDS) return NOT_TLS;
    if (at < bytes.length && bytes[at] !== HANDSHAKE) return NOT_TLS;
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return NOT_TLS;
    if (at + 5 > bytes.length) return INCOMPLETE;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_LIMIT) return NOT_TLS;
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    size += part.length;
    if (parts[0]?.length !== 0 && parts[0]?.[0] !== CLIENT_HELLO) return NOT_TLS;
    if (wanted === undefined && size >= 4) wanted = 4 + Buffer.concat(parts).readUIntBE(1, 3);
    if (wanted !== undefined && wanted > HELLO_LIMIT) return NOT_TLS;
    if (wanted !== undefined && size >= wanted) return Buffer.concat(parts).subarray(4, wanted);
    if (part.length < length) return INCOMPLETE;
    at += 5 + length;
  }
}

/** @throws RangeError when a length leads outside */
function nameIn(hello: Buffer): string | undefined {
  const reader = new Reader(hello);
  reader.skip(2 + 32);
  reader.skip(reader.number(1));
  reader.skip(reader.number(2));
  reader.skip(reader.number(1));
  if (reader.isAtEnd) return undefined;
  const extensions = reader.part(reader.number(2));
  if (!reader.isAtEnd) throw new RangeError("there is more after the extensions");
  let found: string | undefined;
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const extension = extensions.part(extensions.number(2));
    if (type !== SERVER_NAME) continue;
    // Two of them, and two readers may choose differently.
    if (found !== undefined) throw new RangeError("there are two names");
    const list = extension.part(extension.number(2));
    if (list.number(1) !== 0) throw new RangeError("the name is no host name");
    found = list.text(list.number(2));
    if (found === "" || !list.isAtEnd || !extension.isAtEnd) throw new RangeError("there is more than one name");
  }
  return found;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(size: 1 | 2): number {
    return this.#take(size).readUIntBE(0, size);
  }

  part(size: number): Reader {
    return new Reader(this.#take(size));
  }

  text(size: number): string {
    return this.#take(size).toString("latin1");
  }

  skip(size: number): void {
    this.#take(size);
  }

  #take(size: number): Buffer {
    if (this.#at + size > this.#bytes.length) throw new RangeError("a length leads outside");
    return this.#bytes.subarray(this.#at, (this.#at += size));
  }
}
