// The texts and numbers at the beginning of a GGUF header (ggml, docs/gguf.md): who made the model, from what, under which licence.

export interface GgufKeys {
  readonly version: number;
  readonly texts: ReadonlyMap<string, string>;
}

const SCALAR_BYTES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const TEXT = 8;
const ARRAY = 9;
const MAX_KEYS = 1000;
const MAX_TEXT = 4096;

/** As far as `head` reaches: what describes the model stands first. `undefined` when it is none. */
export function ggufKeys(head: Buffer): GgufKeys | undefined {
  if (head.length < 24 || head.toString("latin1", 0, 4) !== "GGUF") return undefined;
  const version = head.readUInt32LE(4);
  const texts = new Map<string, string>();
  const count = Number(head.readBigUInt64LE(16));
  let at = 24;
  for (let key = 0; key < Math.min(count, MAX_KEYS); key += 1) {
    const name = textAt(head, at);
    if (name === undefined || name.next + 4 > head.length) break;
    const type = head.readUInt32LE(name.next);
    const value = name.next + 4;
    if (type === TEXT) {
      const text = textAt(head, value);
      if (text === undefined) break;
      if (text.text.length <= MAX_TEXT) texts.set(name.text, text.text);
      at = text.next;
      continue;
    }
    const size = type === ARRAY ? arrayBytes(head, value) : SCALAR_BYTES[type];
    // A long list (the vocabulary) ends what is at hand.
    if (size === undefined || value + size > head.length) break;
    at = value + size;
  }
  return { version, texts };
}

function textAt(head: Buffer, at: number): { readonly text: string; readonly next: number } | undefined {
  if (at + 8 > head.length) return undefined;
  const length = Number(head.readBigUInt64LE(at));
  const next = at + 8 + length;
  return next > head.length ? undefined : { text: head.toString("utf8", at + 8, next), next };
}

/** Lists of texts are walked, others have a size; lists of lists do not stand among what describes a model. */
function arrayBytes(head: Buffer, at: number): number | undefined {
  if (at + 12 > head.length) return undefined;
  const type = head.readUInt32LE(at);
  const count = Number(head.readBigUInt64LE(at + 4));
  const size = SCALAR_BYTES[type];
  if (size !== undefined) return 12 + size * count;
  if (type !== TEXT) return undefined;
  let end = at + 12;
  for (let item = 0; item < count; item += 1) {
    const text = textAt(head, end);
    if (text === undefined) return undefined;
    end = text.next;
  }
  return end - at;
}
