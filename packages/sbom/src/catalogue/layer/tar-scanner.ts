// Goes through a tar archive as its bytes come, and hands out only the bodies that somebody wants.
import { isSound, numberAt, paxRecords, textAt } from "./tar-fields.ts";

export interface ScannedEntry {
  /** Relative and plain: no leading slash, no `.`, no `..`. */
  readonly path: string;
  readonly type: "file" | "directory" | "hard-link" | "symbolic-link" | "other";
  readonly mode: number;
  readonly size: number;
  /** Of links, as it stands there. */
  readonly target: string;
}

/** How much of a file is wanted: nothing, all of it, or at most so many bytes of its beginning. */
export type Wanted = "nothing" | "all" | number;

export interface TarVisitor {
  entry(entry: ScannedEntry): Wanted;
  /** The wanted bytes; only good during the call. After a beginning, says whether the whole file is wanted. */
  body(entry: ScannedEntry, bytes: Buffer): Wanted;
  /** An entry that no honest archive has. */
  refused(path: string, reason: string): void;
}

export class TarProblem extends Error {}

const BLOCK = 512;
/** Of one extended header; names are far shorter. */
const MAX_EXTENSION_BYTES = 1024 * 1024;
const MAX_EXTENSIONS = 16;
const MAX_PATH_LENGTH = 4096;
const MAX_DEPTH = 256;

const TYPES: ReadonlyMap<string, ScannedEntry["type"]> = new Map([
  ["0", "file"],
  ["\0", "file"],
  ["7", "file"],
  ["5", "directory"],
  ["1", "hard-link"],
  ["2", "symbolic-link"],
]);

type State = "header" | "extension" | "skip" | "collect" | "end";

export class TarScanner {
  readonly #visitor: TarVisitor;
  readonly #header = Buffer.alloc(BLOCK);
  #state: State = "header";
  /** Bytes that the present state still has to see; of a body without its padding. */
  #left = BLOCK;
  #scratch: Buffer = Buffer.alloc(0);
  #filled = 0;
  #entry: ScannedEntry | undefined;
  #extension = "";
  #extensions = 0;
  #next: { path?: string | undefined; target?: string | undefined; size?: number } = {};

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  /** True once the end mark came: what follows counts for nobody. */
  get ended(): boolean {
    return this.#state === "end";
  }

  /** @throws TarProblem */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "end") at = this.#step(chunk, at);
  }

  /** @throws TarProblem when the archive ends in the middle; one without an end mark is taken as tar takes it. */
  end(): void {
    if (this.#state === "end") return;
    if (this.#state === "header" && this.#left === BLOCK && this.#extensions === 0) return;
    if (this.#state === "skip" && this.#left < BLOCK) return;
    throw new TarProblem("it ends in the middle");
  }

  #step(chunk: Buffer, at: number): number {
    const take = Math.min(this.#left, chunk.length - at);
    if (this.#state === "skip") {
      this.#left -= take;
      if (this.#left === 0) this.#expectHeader();
      return at + take;
    }
    const part = chunk.subarray(at, at + take);
    if (this.#state === "header") {
      if (take === BLOCK) this.#onHeader(part);
      else {
        part.copy(this.#header, BLOCK - this.#left);
        this.#left -= take;
        if (this.#left === 0) this.#onHeader(this.#header);
      }
      return at + take;
    }
    if (take === this.#left && this.#filled === 0) this.#complete(part);
    else {
      this.#reserve(this.#filled + take);
      part.copy(this.#scratch, this.#filled);
      this.#filled += take;
      this.#left -= take;
      if (this.#left === 0) this.#complete(this.#scratch.subarray(0, this.#filled));
    }
    return at + take;
  }

  #expectHeader(): void {
    this.#state = "header";
    this.#left = BLOCK;
  }

  #skip(sizeBytes: number): void {
    if (sizeBytes === 0) return this.#expectHeader();
    this.#state = "skip";
    this.#left = sizeBytes;
  }

  #collect(state: "extension" | "collect", sizeBytes: number): void {
    this.#state = state;
    this.#left = sizeBytes;
    this.#filled = 0;
    if (sizeBytes === 0) this.#complete(Buffer.alloc(0));
  }

  #reserve(sizeBytes: number): void {
    if (this.#scratch.length >= sizeBytes) return;
    // Grows with what came, not with what a header claims.
    const grown = Buffer.allocUnsafe(Math.max(64 * 1024, this.#scratch.length * 2, sizeBytes));
    this.#scratch.copy(grown, 0, 0, this.#filled);
    this.#scratch = grown;
  }

  #onHeader(block: Buffer): void {
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      this.#state = "end";
      return;
    }
    if (!isSound(block)) throw new TarProblem("a header's checksum is wrong");
    const typeflag = String.fromCharCode(block[156] ?? 0);
    const size = numberAt(block, 124, 12);
    if (size === undefined) throw new TarProblem("a size in a header is damaged");
    if (typeflag === "x" || typeflag === "g" || typeflag === "L" || typeflag === "K") {
      this.#extensions += 1;
      if (size > MAX_EXTENSION_BYTES || this.#extensions > MAX_EXTENSIONS) {
        throw new TarProblem("an extended header is too large");
      }
      this.#extension = typeflag;
      this.#entry = undefined;
      this.#extensionSize = size;
      return this.#collect("extension", size);
    }
    this.#onEntry(block, typeflag, this.#next.size ?? size);
  }

  #extensionSize = 0;

  #onEntry(block: Buffer, typeflag: string, size: number): void {
    // Links and directories may state a size and have no body (POSIX.1-2001); Go's reader, which every engine uses, agrees.
    const type = TYPES.get(typeflag) ?? "other";
    const hasBody = !["1", "2", "3", "4", "5", "6"].includes(typeflag);
    const stored = hasBody ? size : 0;
    const raw = this.#next.path ?? pathOf(block);
    const target = this.#next.target ?? textAt(block, 157, 100);
    const mode = numberAt(block, 100, 8) ?? 0;
    this.#next = {};
    this.#extensions = 0;
    const path = plainPath(raw);
    if (path === undefined) {
      this.#visitor.refused(raw.slice(0, 200), "its path leaves the image or is too long");
      return this.#skip(padded(stored));
    }
    const entry: ScannedEntry = { path, type, mode, size: stored, target };
    this.#entry = entry;
    const wanted = path === "" ? "nothing" : this.#visitor.entry(entry);
    if (type !== "file" || wanted === "nothing") return this.#skip(padded(stored));
    this.#collect("collect", wanted === "all" ? stored : Math.min(wanted, stored));
  }

  #complete(bytes: Buffer): void {
    const entry = this.#entry;
    if (this.#state === "extension" || entry === undefined) {
      this.#onExtension(bytes);
      return this.#skip(padded(this.#extensionSize) - this.#extensionSize);
    }
    const seen = bytes.length;
    const more = this.#visitor.body(entry, bytes);
    if (more === "all" && seen < entry.size) return this.#goOn(bytes, entry.size - seen);
    this.#filled = 0;
    this.#skip(padded(entry.size) - seen);
  }

  /** The beginning was seen and the rest is wanted, too. */
  #goOn(beginning: Buffer, left: number): void {
    if (this.#filled === 0) {
      this.#reserve(beginning.length);
      beginning.copy(this.#scratch, 0);
      this.#filled = beginning.length;
    }
    this.#state = "collect";
    this.#left = left;
  }

  #onExtension(bytes: Buffer): void {
    this.#filled = 0;
    const text = () => bytes.toString("utf8").replace(/\0[^]*$/, "");
    if (this.#extension === "L") this.#next.path = text();
    else if (this.#extension === "K") this.#next.target = text();
    else if (this.#extension === "x") {
      const records = paxRecords(bytes);
      if (records === undefined) throw new TarProblem("an extended header is damaged");
      const size = records.get("size");
      if (size !== undefined && !/^\d{1,15}$/.test(size)) throw new TarProblem("a size in a header is damaged");
      this.#next = {
        ...this.#next,
        ...(records.has("path") ? { path: records.get("path") } : {}),
        ...(records.has("linkpath") ? { target: records.get("linkpath") } : {}),
        ...(size === undefined ? {} : { size: Number(size) }),
      };
    }
  }
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

function pathOf(block: Buffer): string {
  // GNU's own format ("ustar  ") keeps times where ustar has the path's first part.
  const isUstar = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isUstar && block[345] !== 0 ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** As a container engine would place it; `undefined` for what leaves the root. */
export function plainPath(raw: string): string | undefined {
  if (raw.length > MAX_PATH_LENGTH || raw.includes("\0")) return undefined;
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(raw)) return raw;
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length > MAX_DEPTH || parts.includes("..")) return undefined;
  return parts.join("/");
}
