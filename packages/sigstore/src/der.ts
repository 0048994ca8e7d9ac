// The little DER that has no structure of its own in the ASN.1 libraries: sets that are signed as bytes.

const SEQUENCE = 0x30;
const SET = 0x31;
const OCTET_STRING = 0x04;

/** Tag, length, contents (X.690 §8.1, §10.1). */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, content]);
}

export function derSequence(...contents: readonly Uint8Array[]): Buffer {
  return der(SEQUENCE, ...contents);
}

/** DER sorts the elements of a SET OF by their bytes (X.690 §11.6). */
export function derSetOf(elements: readonly Uint8Array[]): Buffer {
  return der(SET, ...elements.toSorted(Buffer.compare));
}

export function derOctetString(bytes: Uint8Array): Buffer {
  return der(OCTET_STRING, bytes);
}
