// What the records of one act that happens again and again have in common: checked and serialised once. Pure.
import type { AuditRecord, RecordBody } from "@pratique/contracts";
import { canonicalJson } from "@pratique/core";
import { checkBody, encodeRecord, type RecordStamp } from "./entry.ts";
import { MAX_ENTRY_BYTES } from "./tile.ts";

/** In canonical JSON's order of keys (RFC 8785 §3.2.3). */
const VARIABLE = ["durationMs", "id", "sequence", "time"] as const;
/** Room for what varies. */
const VARIABLE_BYTES = 256;

export class RecordTemplate {
  readonly body: RecordBody;
  /** Canonical JSON before, between and after the values that vary; undefined when entries must be cut to size. */
  readonly #pieces: readonly string[] | undefined;

  /** @throws `audit.bad-record` */
  constructor(body: RecordBody) {
    this.body = checkBody(body);
    const pieces = piecesOf(this.body);
    const isShort = Buffer.byteLength(pieces.join("")) + VARIABLE_BYTES <= MAX_ENTRY_BYTES;
    this.#pieces = isShort ? pieces : undefined;
  }

  /** The same as encoding the whole record. @throws `audit.too-large` */
  encode(durationMs: number, stamp: RecordStamp): { record: AuditRecord; entry: Buffer } {
    const { id, sequence, time } = stamp;
    const pieces = this.#pieces;
    const isPlain = Number.isFinite(durationMs) && durationMs >= 0 && id.length + time.length < VARIABLE_BYTES / 3;
    if (pieces === undefined || !isPlain) return encodeRecord(checkBody({ ...this.body, durationMs }), stamp);
    const values = [durationMs, id, sequence, time];
    let text = pieces[0]!;
    for (let at = 0; at < values.length; at += 1) text += JSON.stringify(values[at]) + pieces[at + 1]!;
    return { record: { ...this.body, durationMs, version: 1, id, sequence, time }, entry: Buffer.from(text) };
  }
}

function piecesOf(body: RecordBody): string[] {
  const record: Readonly<Record<string, unknown>> = {
    ...body,
    version: 1,
    durationMs: 0,
    id: "",
    sequence: 0,
    time: "",
  };
  const pieces: string[] = [];
  let piece = "";
  let before = "{";
  for (const key of Object.keys(record).sort()) {
    const value = record[key];
    if (value === undefined) continue;
    piece += `${before}${JSON.stringify(key)}:`;
    before = ",";
    if (VARIABLE.some((name) => name === key)) {
      pieces.push(piece);
      piece = "";
    } else piece += canonicalJson(value as Parameters<typeof canonicalJson>[0]);
  }
  return [...pieces, `${piece}}`];
}
