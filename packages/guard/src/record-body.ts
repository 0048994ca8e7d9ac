// From an act and what became of it to a record: redacted, bounded, plain JSON.
import type { Decision, RecordBody } from "@pratique/contracts";
import {
  canonicalJson,
  describeError,
  digestOf,
  isJsonObject,
  redactJson,
  redactText,
  type Json,
  type JsonObject,
  type Redaction,
} from "@pratique/core";
import type { Act } from "./act.ts";
import { recordPrincipal } from "./principal-entity.ts";

/** Details larger than this are recorded by digest. */
const MAX_DETAILS = 16 * 1024;
const MAX_TEXT = 2_000;
const MAX_NAME = 500;
const MAX_POLICIES = 64;
const MAX_REDACTIONS = 100;

// A record that the log refuses would be owed for ever, and nothing more would happen: so all of it is bounded.
const bounded = (text: string, limit: number): string => text.slice(0, limit).toWellFormed();

export interface Ending {
  readonly decision: Decision;
  readonly outcome: RecordBody["outcome"];
  readonly details: JsonObject;
  readonly durationMs: number;
  readonly error?: unknown;
  /** Digest of what policy was asked. */
  readonly inputs?: string | undefined;
}

type Details = NonNullable<RecordBody["details"]>;

/** Redacted details; what is too large goes in by digest, what is no JSON is said to be none. */
function detailsOf(details: JsonObject, found: Redaction[]): Details {
  let text: string;
  try {
    const shown = redactJson(details, found);
    text = JSON.stringify(shown);
    // Half a character, which the log's canonical form does not have, is written as an escape.
    if (text.includes("\\ud")) text = canonicalJson(shown);
  } catch {
    return { unrecordable: "the details were not JSON" };
  }
  // Parsed again: without `undefined`, and nobody holds a reference into the record.
  const plain: unknown = JSON.parse(text);
  if (text.length > MAX_DETAILS) {
    const canonical = canonicalJson(plain as Json);
    return { tooLarge: { digest: digestOf(canonical), sizeBytes: Buffer.byteLength(canonical) } };
  }
  return isJsonObject(plain) ? (plain as Details) : {};
}

function errorOf(error: unknown, redacted: (text: string) => string): NonNullable<RecordBody["error"]> {
  const { code, error: message } = describeError(error);
  return { code: typeof code === "string" ? code : "internal", message: redacted(String(message)) };
}

/** Builds the body of the one record of an act. */
export function recordBody(act: Act, ending: Ending): RecordBody {
  const found: Redaction[] = [];
  const redacted = (text: string): string => bounded(redactText(text, found), MAX_TEXT);
  const { decision, outcome, durationMs } = ending;
  const context = act.context === undefined || Object.keys(act.context).length === 0 ? {} : { context: act.context };
  const details = detailsOf({ ...act.details, ...ending.details, ...context }, found);
  const { resource } = act;
  // What a workload does belongs to its run, whether its door says so or not.
  const run = act.principal?.type === "Workload" ? (act.principal.run ?? act.run) : act.run;
  const body: RecordBody = {
    principal: recordPrincipal(act.principal),
    action: act.action,
    resource: {
      type: resource.type,
      id: redacted(resource.id),
      ...(resource.digest === undefined ? {} : { digest: bounded(resource.digest, MAX_NAME) }),
    },
    ...(run === undefined ? {} : { run: bounded(run, MAX_NAME) }),
    decision: decision.allow ? "allow" : "deny",
    policies: decision.policies.slice(0, MAX_POLICIES).map(({ id, effect }) => ({ id, effect })),
    policyDigest: decision.policyDigest,
    ...(ending.inputs === undefined ? {} : { inputs: ending.inputs }),
    reason: redacted(decision.reason),
    ...(decision.remedy === undefined ? {} : { remedy: redacted(decision.remedy) }),
    outcome,
    ...(ending.error === undefined ? {} : { error: errorOf(ending.error, redacted) }),
    durationMs: Math.max(0, durationMs),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
  return found.length === 0 ? body : { ...body, redactions: distinct(found) };
}

function distinct(found: readonly Redaction[]): Redaction[] {
  const byKey = new Map(found.map((redaction) => [`${redaction.kind} ${redaction.digest}`, redaction]));
  return [...byKey.values()].slice(0, MAX_REDACTIONS);
}
