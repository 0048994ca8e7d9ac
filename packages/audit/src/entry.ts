// A record as an entry of the log: canonical JSON of bounded size. Pure.
import { AuditRecord, RecordBody } from "@pratique/contracts";
import { canonicalJson, digestOf, isJsonObject } from "@pratique/core";
import type { RecordRow } from "@pratique/store";
import { auditErrors } from "./errors.ts";
import { MAX_ENTRY_BYTES } from "./tile.ts";

const MAX_TEXT = 4096;

/** What the log adds to a record's body. */
export interface RecordStamp {
  readonly id: string;
  readonly sequence: number;
  readonly time: string;
}

/**
 * Checks a body. Values that are undefined are left out, those that JSON does not have are refused, long sentences are cut.
 * @throws `audit.bad-record`
 */
export function checkBody(body: RecordBody): RecordBody {
  const direct = shapeOf(body);
  const checked = direct.success ? direct : RecordBody.safeParse(plain(body));
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw auditErrors("audit.bad-record", { reason: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown"}` });
  }
  const { reason, remedy, error } = checked.data;
  return {
    ...checked.data,
    reason: shortened(reason),
    ...(remedy === undefined ? {} : { remedy: shortened(remedy) }),
    ...(error === undefined ? {} : { error: { ...error, message: shortened(error.message) } }),
  };
}

/** As the schema says it. Details are looked through by hand: they are most of a body, and each act waits for this. */
function shapeOf(body: RecordBody): ReturnType<typeof RecordBody.safeParse> {
  const { details, ...rest } = body;
  if (details === undefined || !isJsonObject(details) || !isPlain(details, 0)) return RecordBody.safeParse(body);
  const checked = RecordBody.safeParse(rest);
  if (!checked.success) return checked;
  // A copy: nobody holds a reference into what is to be written.
  return { success: true, data: { ...checked.data, details: JSON.parse(JSON.stringify(details)) as typeof details } };
}

/** True for what JSON has, and nothing else: no `undefined`, no other number, no object of a class. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  if ("toJSON" in value) return false;
  return Object.entries(value).every(
    ([key, item]) => key !== "__proto__" && key.isWellFormed() && isPlain(item, depth + 1),
  );
}

const MAX_DEPTH = 100;

function plain(body: RecordBody): unknown {
  try {
    return JSON.parse(canonicalJson(body));
  } catch (cause) {
    throw auditErrors("audit.bad-record", { reason: "it has no JSON form" }, { cause });
  }
}

function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).toWellFormed()}…`;
}

/**
 * The record and its bytes. Details that do not fit an entry are replaced by their digest and size.
 * @throws `audit.too-large` when it does not fit even so
 */
export function encodeRecord(body: RecordBody, stamp: RecordStamp): { record: AuditRecord; entry: Buffer } {
  const record: AuditRecord = { ...body, version: 1, ...stamp };
  const entry = Buffer.from(canonicalJson(record));
  if (entry.length <= MAX_ENTRY_BYTES) return { record, entry };
  const text = canonicalJson(record.details ?? {});
  const details = { omitted: true, digest: digestOf(text), sizeBytes: Buffer.byteLength(text) };
  const short: AuditRecord = { ...record, details };
  const shortEntry = Buffer.from(canonicalJson(short));
  if (shortEntry.length <= MAX_ENTRY_BYTES) return { record: short, entry: shortEntry };
  throw auditErrors("audit.too-large", { sizeBytes: shortEntry.length, limitBytes: MAX_ENTRY_BYTES });
}

/**
 * Reads an entry back. It must be the canonical JSON of a record that stands at `sequence`.
 * @throws `audit.corrupt` naming `file`
 */
export function decodeRecord(entry: Uint8Array, sequence: number, file: string): AuditRecord {
  const text = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).toString();
  const corrupt = (reason: string): Error =>
    auditErrors("audit.corrupt", { file, reason: `record ${sequence} ${reason}` });
  const parsed = AuditRecord.safeParse(parseOrUndefined(text));
  if (!parsed.success) throw corrupt("does not have the form of a record");
  if (parsed.data.sequence !== sequence) throw corrupt(`says that it is record ${parsed.data.sequence}`);
  if (canonicalJson(parsed.data) !== text) throw corrupt("is not canonical JSON");
  return parsed.data;
}

/** The sequence that an entry claims. */
export function sequenceOf(entry: Uint8Array): number | undefined {
  const value = parseOrUndefined(Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).toString());
  if (!isJsonObject(value) || typeof value["sequence"] !== "number") return undefined;
  return Number.isSafeInteger(value["sequence"]) && value["sequence"] >= 0 ? value["sequence"] : undefined;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A record as the index keeps it. */
export function rowOf(record: AuditRecord, entry: Uint8Array): RecordRow {
  return {
    sequence: record.sequence,
    id: record.id,
    time: record.time,
    principal: record.principal.id,
    actingFor: record.principal.actingFor ?? null,
    action: record.action,
    resourceType: record.resource.type,
    resourceId: record.resource.id,
    digest: record.resource.digest ?? null,
    run: record.run ?? null,
    decision: record.decision,
    outcome: record.outcome,
    body: Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).toString(),
  };
}
