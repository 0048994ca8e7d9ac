// An rpm header as the database stores it: an index of tags, then their values (rpm, docs/manual/format_header.md).
import type { FoundPackage } from "../facts.ts";

export interface RpmPackage {
  readonly found: FoundPackage;
  /** Absolute paths. */
  readonly files: readonly string[];
}

const TAGS = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  license: 1014,
  architecture: 1022,
  sourceRpm: 1044,
  provides: 1047,
  requires: 1049,
  dirIndexes: 1116,
  baseNames: 1117,
  dirNames: 1118,
} as const;
const STRING_TYPES: ReadonlySet<number> = new Set([6, 8, 9]);
const INT32 = 4;
const MAX_TAGS = 65_536;
const MAX_VALUES = 1_000_000;

/** The package of a header, `undefined` for what is none (imported keys), or the reason why it cannot be read. */
export function parseRpmHeader(blob: Buffer): RpmPackage | string | undefined {
  if (blob.length < 8) return "a header is too short";
  const count = blob.readUInt32BE(0);
  const dataSize = blob.readUInt32BE(4);
  const start = 8 + count * 16;
  if (count === 0 || count > MAX_TAGS || start + dataSize > blob.length) return "a header's sizes are wrong";
  const header = new Header(blob.subarray(8, start), blob.subarray(start, start + dataSize));
  const name = header.text(TAGS.name);
  const version = header.text(TAGS.version);
  const release = header.text(TAGS.release);
  if (name === undefined || version === undefined || release === undefined) return "a header has no name or version";
  if (name === "gpg-pubkey") return undefined;
  return { found: packageOf(header, { name, version, release }), files: filesOf(header) };
}

function packageOf(header: Header, o: { name: string; version: string; release: string }): FoundPackage {
  const { name } = o;
  const epoch = header.numbers(TAGS.epoch)[0];
  const architecture = header.text(TAGS.architecture);
  const licence = header.text(TAGS.license);
  const vendor = header.text(TAGS.vendor);
  const source = sourceOf(header.text(TAGS.sourceRpm));
  const full = `${o.version}-${o.release}`;
  return {
    type: "rpm",
    name,
    version: epoch === undefined || epoch === 0 ? full : `${epoch}:${full}`,
    ...(architecture === undefined || architecture === "(none)" ? {} : { qualifiers: { arch: architecture } }),
    ...(source === undefined ? {} : { source }),
    licences: licence === undefined ? [] : [licence],
    ...(vendor === undefined || vendor === "(none)" ? {} : { supplier: vendor }),
    needs: header.texts(TAGS.requires),
    provides: header.texts(TAGS.provides),
  };
}

/** `bash-5.2.15-3.fc38.src.rpm`. */
function sourceOf(file: string | undefined): { name: string; version: string } | undefined {
  const match = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(file ?? "");
  return match?.[1] === undefined || match[2] === undefined ? undefined : { name: match[1], version: match[2] };
}

function filesOf(header: Header): string[] {
  const directories = header.texts(TAGS.dirNames);
  const indexes = header.numbers(TAGS.dirIndexes);
  return header.texts(TAGS.baseNames).map((name, at) => `${directories[indexes[at] ?? -1] ?? "/"}${name}`);
}

class Header {
  readonly #data: Buffer;
  readonly #entries = new Map<number, { type: number; offset: number; count: number }>();

  constructor(index: Buffer, data: Buffer) {
    this.#data = data;
    for (let at = 0; at + 16 <= index.length; at += 16) {
      const type = index.readUInt32BE(at + 4);
      const offset = index.readUInt32BE(at + 8);
      this.#entries.set(index.readUInt32BE(at), { type, offset, count: index.readUInt32BE(at + 12) });
    }
  }

  text(tag: number): string | undefined {
    return this.#strings(tag, 1)[0];
  }

  texts(tag: number): string[] {
    return this.#strings(tag, MAX_VALUES);
  }

  numbers(tag: number): number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined || entry.type !== INT32) return [];
    const fits = Math.floor((this.#data.length - entry.offset) / 4);
    const count = Math.min(entry.count, Math.max(0, fits));
    return Array.from({ length: count }, (_, at) => this.#data.readInt32BE(entry.offset + at * 4));
  }

  #strings(tag: number, most: number): string[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined || !STRING_TYPES.has(entry.type)) return [];
    const found: string[] = [];
    let at = entry.offset;
    for (let left = Math.min(entry.count, most); left > 0; left -= 1) {
      const end = this.#data.indexOf(0, at);
      if (at >= this.#data.length || end === -1) break;
      found.push(this.#data.toString("utf8", at, end));
      at = end + 1;
    }
    return found;
  }
}
