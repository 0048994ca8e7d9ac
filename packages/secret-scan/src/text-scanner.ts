// Finds secrets in one text: in a single pass, with rules tried only where a literal part of theirs stands.
import { gunzipSync, gzipSync } from "node:zlib";
import type { Redaction } from "@pratique/core";
import { AnchorIndex, type Anchor } from "./anchors.ts";
import { assignedName } from "./assigned-name.ts";
import { asText, BASE64_MINIMUM, encodedLike, GZIP_START, holdsText, type Decoded } from "./base64.ts";
import { apart, fingerprintOf, maskOf, redacted, type Finding } from "./finding.ts";
import { eachKeyBlock } from "./key-blocks.ts";
import { isPassword, judgeOf, type ValueJudge } from "./keyed-rules.ts";
import type { KnownValues } from "./known-values.ts";
import { beginsWord, isWordCode } from "./left-border.ts";
import { eachRun, RUN_LENGTH, SYMBOLS } from "./runs.ts";
import { tokenRules, type TokenRule } from "./token-rules.ts";
import { eachUrlPassword } from "./url-passwords.ts";
import { headerCredential } from "./header-credentials.ts";
import { hasEscapes, unescapedParts } from "./escapes.ts";

/** Encodings within encodings are followed so far. */
const DEPTH_LIMIT = 3;
/** What gzip may grow to, in all, for one text. */
const INFLATED_LIMIT = 2 * 1024 * 1024;
/** So many characters are decoded for each of a text's own, encodings within encodings too. */
const DECODED_SHARE = 6;
/** A longer value is no secret that somebody assigned. */
const VALUE_LIMIT = 2048;
const JUDGES_LIMIT = 4096;
/** The longest token that is looked for where base64 holds an anchor, in characters of base64. */
const WINDOW = 400;
/** So often a run is looked into at one place; then it is decoded as a whole. */
const TRIES = 16;
const NONE: readonly Finding[] = [];

export interface TextScannerOptions {
  /** Fingerprints that are let through: `KIND:DIGEST`, or the digest alone. */
  readonly isAllowed?: (redaction: Redaction) => boolean;
  /** Values that the house holds, as they are now. */
  readonly known?: () => KnownValues | undefined;
}

interface Pass {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly depth: number;
  /** Bytes of a picture, say, in which words mean nothing. */
  readonly isBinary: boolean;
  /** Of the JSON member that the text is the value of. */
  readonly name: string | undefined;
  readonly findings: Finding[];
  /** Lines of base64 were looked into up to here. */
  unwrapped: number;
  /** Where the last token ends that was found in a run: what is in it is not looked at again. */
  covered: number;
}

interface Run {
  readonly start: number;
  tries: number;
  /** Where it was decoded from, and nothing was found. */
  decoded: Set<number> | undefined;
  /** The part of it that may be base64, which was looked at last. */
  spanStart: number;
  spanEnd: number;
}

export class TextScanner {
  /** Made when the first text is scanned: it takes some milliseconds. */
  #index: AnchorIndex | undefined;
  readonly #options: TextScannerOptions;
  readonly #judges = new Map<string, ValueJudge | undefined>();
  readonly #buffers: Buffer[] = [];
  #inflatable = 0;
  #decodable = 0;

  constructor(options: TextScannerOptions = {}) {
    this.#options = options;
  }

  /** What is in the text, in order and apart. `name` is the JSON member whose value it is. */
  scan(text: string, name?: string): readonly Finding[] {
    if (text.length < 8) return NONE;
    this.#inflatable = INFLATED_LIMIT;
    this.#decodable = 65_536 + DECODED_SHARE * text.length;
    return this.#scan(text, name, 0, false);
  }

  #scan(text: string, name: string | undefined, depth: number, isBinary: boolean): readonly Finding[] {
    const { length } = text;
    const bytes = this.#bytesOf(text, depth);
    const pass: Pass = { text, bytes, depth, isBinary, name, findings: [], unwrapped: 0, covered: 0 };
    const known = this.#options.known?.();
    if (known !== undefined && !known.isEmpty) {
      known.each(text, bytes, length, (start, end, kind) => this.#put(pass, kind, start, end));
    }
    if (length >= RUN_LENGTH) eachRun(bytes, length, (start) => this.#lookAtRun(pass, start));
    if (!isBinary) {
      eachKeyBlock(text, (start, end) => this.#add(pass, "private-key", start, end));
      eachUrlPassword(text, (start, end) => this.#add(pass, "url-password", start, end));
      if (name !== undefined && pass.findings.length === 0 && isPassword(name, text)) {
        this.#add(pass, "assigned-secret", 0, length);
      }
      if (depth < DEPTH_LIMIT && length >= RUN_LENGTH && hasEscapes(text)) this.#lookAtEscapes(pass);
    }
    return pass.findings.length === 0 ? NONE : apart(pass.findings);
  }

  /** The text's codes cut to a byte each: what is found in them is looked at again in the text. */
  #bytesOf(text: string, depth: number): Buffer {
    let buffer = this.#buffers[depth];
    if (buffer === undefined || buffer.length < text.length + 2) {
      buffer = Buffer.allocUnsafeSlow(Math.max(4096, 2 ** Math.ceil(Math.log2(text.length + 2))));
      this.#buffers[depth] = buffer;
    }
    if (text.length > 48) buffer.write(text, 0, "latin1");
    else for (let at = 0; at < text.length; at++) buffer[at] = text.charCodeAt(at);
    // A run ends with the text.
    buffer[text.length] = 0;
    buffer[text.length + 1] = 0;
    return buffer;
  }

  #add(pass: Pass, kind: string, start: number, end: number): void {
    const redaction = fingerprintOf(kind, pass.text.slice(start, end));
    if (this.#options.isAllowed?.(redaction) === true) return;
    pass.covered = Math.max(pass.covered, end);
    pass.findings.push({ start, end, replacement: maskOf(redaction), found: [redaction] });
  }

  /** What the house holds is never let through. */
  #put(pass: Pass, kind: string, start: number, end: number): void {
    const redaction = fingerprintOf(kind, pass.text.slice(start, end));
    pass.findings.push({ start, end, replacement: maskOf(redaction), found: [redaction] });
  }

  /** Looks at a run whose end is not known yet; says where it is. */
  #lookAtRun(pass: Pass, start: number): number {
    const { bytes, depth, isBinary } = pass;
    const anchors = (this.#index ??= new AnchorIndex(tokenRules()));
    const { filter } = anchors;
    const run: Run = { start, tries: 0, decoded: undefined, spanStart: 0, spanEnd: 0 };
    let taken = Math.max(start, pass.covered);
    let third = SYMBOLS[bytes[start]!]!;
    let at = start + 2;
    // The filter knows each anchor by its first three characters and by its second three, so every other place will do.
    for (; ; at += 2) {
      const second = SYMBOLS[bytes[at - 1]!]!;
      const first = third;
      third = SYMBOLS[bytes[at]!]!;
      if (((second | third) & 64) !== 0) {
        if (second === 64) at--;
        break;
      }
      const code = (first << 12) | (second << 6) | third;
      if (filter[code] === 0) continue;
      taken = Math.max(taken, this.#lookAtAnchors(pass, anchors.at(code), at - 2, run, taken));
    }
    const end = at;
    if (depth < DEPTH_LIMIT && end - start >= BASE64_MINIMUM && taken <= start) this.#lookIntoBase64(pass, start, end);
    if (!isBinary && end - start <= VALUE_LIMIT) this.#lookAtValue(pass, start, end);
    return end;
  }

  /** Where the search goes on. */
  #lookAtAnchors(pass: Pass, anchors: readonly Anchor[], place: number, run: Run, taken: number): number {
    for (const { literal, rule, base64, offset } of anchors) {
      const at = place - offset;
      if (at < taken || !pass.text.startsWith(literal, at)) continue;
      if (base64 === undefined) {
        const match = matchAt(rule, pass.text, at);
        if (match === undefined) continue;
        this.#add(pass, rule.kind, match.start, match.end);
        return match.end;
      }
      if (pass.depth >= DEPTH_LIMIT) continue;
      const group = at - base64.skipped;
      if (group < run.start) continue;
      if (run.tries++ < TRIES && !isInWindow(rule, pass, run.start, group, base64.shift)) continue;
      const first = spanStart(pass.bytes, run, at);
      if (group < first) continue;
      const from = first + ((group - first) % 4);
      if (run.decoded?.has(from) === true) continue;
      run.decoded = (run.decoded ?? new Set()).add(from);
      const end = run.spanEnd;
      if (this.#lookIntoSpan(pass, from, end)) return end;
    }
    return 0;
  }

  #lookIntoBase64(pass: Pass, start: number, end: number): void {
    const { text, bytes } = pass;
    if (text.startsWith(GZIP_START, start)) {
      this.#lookIntoGzip(pass, start, base64End(bytes, start, end));
    } else if (holdsText(bytes, start)) {
      this.#lookIntoSpan(pass, start, base64End(bytes, start, end));
    } else if (isWrapped(text, start, end)) {
      this.#lookIntoWrapped(pass, start, end);
    }
  }

  /** True when a secret was in it. */
  #lookIntoSpan(pass: Pass, start: number, end: number): boolean {
    const { text, depth, findings } = pass;
    const last = withPadding(text, end);
    this.#decodable -= last - start;
    if (this.#decodable < 0) return false;
    const original = text.slice(start, last);
    const { text: inner, encoding }: Decoded = asText(Buffer.from(original, "base64"));
    const found = this.#scan(inner, undefined, depth + 1, encoding === "latin1");
    if (found.length === 0) return false;
    const replacement = encodedLike(Buffer.from(redacted(inner, found), encoding), original);
    pass.covered = Math.max(pass.covered, last);
    findings.push({ start, end: last, replacement, found: found.flatMap((one) => one.found) });
    return true;
  }

  #lookIntoGzip(pass: Pass, start: number, end: number): void {
    const { text, depth, findings } = pass;
    const last = withPadding(text, end);
    const original = text.slice(start, last);
    let inflated: Buffer;
    try {
      inflated = gunzipSync(Buffer.from(original, "base64"), { maxOutputLength: Math.max(1, this.#inflatable) });
    } catch {
      // Not gzip, cut short, or more than is looked at: it passes as the bytes that it is.
      return;
    }
    this.#inflatable -= inflated.length;
    const { text: inner, encoding } = asText(inflated);
    const found = this.#scan(inner, undefined, depth + 1, encoding === "latin1");
    if (found.length === 0) return;
    const replacement = encodedLike(gzipSync(Buffer.from(redacted(inner, found), encoding)), original);
    pass.covered = Math.max(pass.covered, last);
    findings.push({ start, end: last, replacement, found: found.flatMap((one) => one.found) });
  }

  /** Base64 in lines, as mail and PEM have it. */
  #lookIntoWrapped(pass: Pass, start: number, lineEnd: number): void {
    const { text, depth, findings } = pass;
    if (start < pass.unwrapped || pass.covered > start) return;
    const block = /(?:[A-Za-z0-9+/]+(?:\r?\n|$))+(?:[A-Za-z0-9+/]*={0,2})/y;
    block.lastIndex = start;
    const original = block.exec(text)?.[0].trimEnd() ?? "";
    pass.unwrapped = start + original.length;
    if (original.length <= lineEnd - start) return;
    this.#decodable -= original.length;
    if (this.#decodable < 0) return;
    const joined = original.replace(/\s+/g, "");
    const found = this.#scan(joined, undefined, depth + 1, true);
    if (found.length === 0) return;
    const end = start + original.length;
    pass.covered = Math.max(pass.covered, end);
    findings.push({ start, end, replacement: redacted(joined, found), found: found.flatMap((one) => one.found) });
  }

  /** What is assigned to a name that tells of a secret, or sent as a credential. */
  #lookAtValue(pass: Pass, start: number, runEnd: number): void {
    const { text } = pass;
    let end = runEnd;
    while (end > start && (text[end - 1] === "." || text[end - 1] === "-")) end--;
    while (end < text.length && text[end] === "=" && end - runEnd < 2) end++;
    if (pass.covered > start) return;
    const credential = headerCredential(text, start, end);
    if (credential !== undefined) return this.#add(pass, credential, start, end);
    const name = start <= 1 && pass.name !== undefined ? pass.name : assignedName(text, start);
    if (name === undefined) return;
    const kind = this.#judge(name)?.(text.slice(start, end));
    if (kind !== undefined) this.#add(pass, kind, start, end);
  }

  #judge(name: string): ValueJudge | undefined {
    if (this.#judges.has(name)) return this.#judges.get(name);
    if (this.#judges.size >= JUDGES_LIMIT) this.#judges.clear();
    const judge = judgeOf(name);
    this.#judges.set(name, judge);
    return judge;
  }

  #lookAtEscapes(pass: Pass): void {
    for (const part of unescapedParts(pass.text)) {
      const { start, end } = part;
      const inside = pass.findings.filter((one) => one.start >= start && one.end <= end);
      const found = this.#scan(part.text, undefined, pass.depth + 1, false);
      const all = found.flatMap((one) => one.found);
      if (all.length <= inside.flatMap((one) => one.found).length) continue;
      const replacement = part.escape(redacted(part.text, found));
      // Those that were found again are in the replacement already.
      const digests = new Set(all.map(({ digest }) => digest));
      const again = new Set(inside.filter((one) => one.found.every(({ digest }) => digests.has(digest))));
      const others = pass.findings.filter((one) => !again.has(one));
      pass.findings.splice(0, Infinity, ...others, { start, end, replacement, found: all });
    }
  }
}

function matchAt(rule: TokenRule, text: string, at: number): { start: number; end: number } | undefined {
  const start = at - rule.lead;
  if (start < 0) return undefined;
  const { pattern } = rule;
  if (rule.isWhole && (text[start - 1] === "-" || text[start - 1] === "_")) return undefined;
  const begins = rule.isGlued || beginsWord(text, start);
  if (!begins && rule.proves === undefined) return undefined;
  pattern.lastIndex = start;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const token = match[0];
  if (!begins && rule.proves?.(token) !== true) return undefined;
  if (rule.accepts?.(token) === false) return undefined;
  return { start, end: start + token.length };
}

/** Whether the bytes of the base64 around an anchor really are the rule's token. */
function isInWindow(rule: TokenRule, { text, bytes }: Pass, start: number, group: number, shift: number): boolean {
  let before = 0;
  const wanted = Math.ceil((rule.lead + 6) / 3);
  while (before < wanted && group - 4 * (before + 1) >= start && isGroup(bytes, group - 4 * (before + 1))) before++;
  const part = text.slice(group - 4 * before, group + WINDOW);
  return matchAt(rule, Buffer.from(part, "base64").toString("latin1"), before * 3 + shift) !== undefined;
}

function isGroup(bytes: Uint8Array, at: number): boolean {
  return isBase64(bytes[at]!) && isBase64(bytes[at + 1]!) && isBase64(bytes[at + 2]!) && isBase64(bytes[at + 3]!);
}

function isBase64(code: number): boolean {
  return SYMBOLS[code] !== 64 && code !== 46 && code !== 126;
}

/** Where the base64 around a place begins; `run.spanEnd` is where it ends. */
function spanStart(bytes: Uint8Array, run: Run, at: number): number {
  if (at >= run.spanEnd) {
    let first = at;
    while (first > run.start && isBase64(bytes[first - 1]!)) first--;
    run.spanStart = first;
    run.spanEnd = base64End(bytes, at, bytes.length);
  }
  return run.spanStart;
}

function base64End(bytes: Uint8Array, at: number, end: number): number {
  let last = at;
  while (last < end && isBase64(bytes[last]!)) last++;
  return last;
}

function withPadding(text: string, end: number): number {
  let last = end;
  while (last - end < 2 && text[last] === "=") last++;
  return last;
}

/** A line that is all base64, and another that begins with it. */
function isWrapped(text: string, start: number, end: number): boolean {
  if (start > 0 && text.charCodeAt(start - 1) !== 10) return false;
  if ((end - start) % 4 !== 0) return false;
  const next = text.charCodeAt(end) === 13 ? end + 2 : end + 1;
  const goesOn =
    text.charCodeAt(next - 1) === 10 && isWordCode(text.charCodeAt(next)) && isWordCode(text.charCodeAt(next + 3));
  if (!goesOn) return false;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    // Mail and PEM have the older alphabet; lines of identifiers have hyphens early.
    if (!isWordCode(code) && code !== 43 && code !== 47) return false;
  }
  return true;
}
