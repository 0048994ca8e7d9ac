// in-toto statements: v1 is written, v0.1 and v1 are read (cosign attest still writes v0.1).
import { algorithmOf, hexOf, isJsonObject, type Digest, type Json, type JsonObject } from "@pratique/core";
import { z } from "zod";
import { evidenceErrors } from "./errors.ts";

const STATEMENT_V1 = "https://in-toto.io/Statement/v1";
const STATEMENT_V01 = "https://in-toto.io/Statement/v0.1";

const SUBJECT_LIMIT = 1024;
const DEPTH_LIMIT = 64;
export const PAYLOAD_LIMIT_BYTES = 32 * 1024 * 1024;

/** A statement's subject: a digest set, by algorithm. */
const Subject = z.looseObject({
  name: z.string().optional(),
  digest: z.record(z.string(), z.string()),
});

/** A statement as others write it. */
const Statement = z.looseObject({
  _type: z.enum([STATEMENT_V1, STATEMENT_V01]),
  subject: z.array(Subject).min(1).max(SUBJECT_LIMIT),
  predicateType: z.string().min(1).max(1024),
  predicate: z.custom<JsonObject>((value) => isJsonObject(value)).default({}),
});
export type Statement = z.infer<typeof Statement>;

/** What a statement says and about which artifact. */
export interface StatementParts {
  readonly subject: Digest;
  readonly predicateType: string;
  readonly predicate: JsonObject;
  /** Left out of signatures, as cosign does; the repository's name in attestations. */
  readonly subjectName?: string;
}

/** The payload bytes of a new statement. @throws `attestation.invalid` */
export function encodeStatement(parts: StatementParts): Buffer {
  if (!isWithinDepth(parts.predicate, DEPTH_LIMIT)) {
    throw evidenceErrors("attestation.invalid", { reason: `its predicate is nested more than ${DEPTH_LIMIT} deep` });
  }
  const digest = { [algorithmOf(parts.subject)]: hexOf(parts.subject) };
  const subject = parts.subjectName === undefined ? { digest, annotations: {} } : { name: parts.subjectName, digest };
  const { predicateType, predicate } = parts;
  const payload = Buffer.from(JSON.stringify({ _type: STATEMENT_V1, subject: [subject], predicateType, predicate }));
  if (payload.length > PAYLOAD_LIMIT_BYTES) {
    throw evidenceErrors("attestation.invalid", { reason: `it is larger than ${PAYLOAD_LIMIT_BYTES} bytes` });
  }
  return payload;
}

/** Reads a verified payload; undefined when it is no statement. */
export function decodeStatement(payload: Uint8Array): Statement | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    // Not JSON, or not UTF-8: no statement, which is the answer.
    return undefined;
  }
  if (!isWithinDepth(json, DEPTH_LIMIT + 2)) return undefined;
  const parsed = Statement.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}

/** The subject of a statement that has this digest, if any. */
export function subjectWith(statement: Statement, digest: Digest): { readonly name?: string | undefined } | undefined {
  return statement.subject.find((subject) => subject.digest[algorithmOf(digest)] === hexOf(digest));
}

function isWithinDepth(value: unknown, depth: number): value is Json {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((item) => isWithinDepth(item, depth - 1));
}
