// From files of Cedar text to policies with an id, a place and a scope. Refuses what is not exactly one.
import {
  checkParsePolicySet,
  policySetTextToParts,
  policyToJson,
  type DetailedError,
  type PolicyJson,
} from "@cedar-policy/cedar-wasm/nodejs";
import { cutPolicies, fromByteOffset, placeOf, type PolicyText } from "./cedar-text.ts";
import { policyErrors } from "./errors.ts";
import { MAX_FILE_BYTES, MAX_FILES, MAX_NESTING, MAX_OPERATORS, MAX_POLICIES, MAX_POLICY_BYTES } from "./limits.ts";
import { invalid, type Problem } from "./problem.ts";

/** One policy as it was read. */
export interface SourcePolicy {
  readonly id: string;
  readonly effect: "permit" | "forbid";
  readonly reason: string | undefined;
  readonly remedy: string | undefined;
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly json: PolicyJson;
  /** Where an offset of the engine, in bytes of this policy's text, is in the file. */
  readonly place: (byteOffset: number) => { line: number; column: number };
}

// Types are printed whole, and a policy can be full of them.
const MAX_MESSAGE = 1_000;

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

function refuseSizes(file: string, source: string): void {
  if (Buffer.byteLength(source) > MAX_FILE_BYTES) {
    throw policyErrors("policy.too-large", { what: file, limit: MAX_FILE_BYTES, unit: "bytes" });
  }
}

function refuseShape(file: string, source: string, piece: PolicyText): void {
  const what = `${file}:${placeOf(source, piece.start).line}`;
  if (Buffer.byteLength(piece.text) > MAX_POLICY_BYTES) {
    throw policyErrors("policy.too-large", { what, limit: MAX_POLICY_BYTES, unit: "bytes of one policy" });
  }
  if (piece.nesting > MAX_NESTING) {
    throw policyErrors("policy.too-large", { what, limit: MAX_NESTING, unit: "nested brackets" });
  }
  if (piece.operators > MAX_OPERATORS) {
    throw policyErrors(
      "policy.too-large",
      { what, limit: MAX_OPERATORS, unit: "operators in one policy" },
      { hint: 'write a long list as a set: ["a", "b"].contains(resource.name)' },
    );
  }
}

/** What the engine says of one mistake, placed in the file. */
export function problemOf(
  error: DetailedError,
  file: string,
  place: (byteOffset: number) => { line: number; column: number },
  policy?: string,
): Problem {
  const location = error.sourceLocations?.[0];
  const label = location?.label ?? null;
  const message = error.message.replace(/^failed to parse [^:]*: /, "").slice(0, MAX_MESSAGE);
  return {
    file,
    ...place(location?.start ?? 0),
    ...(policy === undefined ? {} : { policy }),
    message: label === null ? message : `${message}; ${label}`,
    ...(error.help === null ? {} : { help: error.help.slice(0, MAX_MESSAGE) }),
  };
}

function readPolicy(file: string, source: string, piece: PolicyText): SourcePolicy {
  const place = (byteOffset: number): { line: number; column: number } =>
    placeOf(source, piece.start + fromByteOffset(piece.text, byteOffset));
  const answer = policyToJson(piece.text);
  if (answer.type === "failure") throw invalid(answer.errors.map((error) => problemOf(error, file, place)));
  const { effect, annotations = {} } = answer.json;
  const id = annotations["id"] ?? "";
  if (!ID.test(id)) {
    throw invalid([
      {
        file,
        ...place(0),
        message: id === "" ? "the policy has no @id" : `the @id ${JSON.stringify(id.slice(0, 120))} is not allowed`,
        help: 'start it with @id("…"): letters, digits, dots, dashes and underscores, at most 100',
      },
    ]);
  }
  return {
    id,
    effect,
    reason: annotations["reason"],
    remedy: annotations["remedy"],
    file,
    line: place(0).line,
    text: piece.text,
    json: answer.json,
    place,
  };
}

function readFile(file: string, content: string): SourcePolicy[] {
  refuseSizes(file, content);
  // Line ends must not change the digest.
  const source = content.replaceAll("\r\n", "\n");
  const pieces = cutPolicies(source);
  for (const piece of pieces) refuseShape(file, source, piece);
  const place = (byteOffset: number): { line: number; column: number } =>
    placeOf(source, fromByteOffset(source, byteOffset));
  const parsed = checkParsePolicySet({ staticPolicies: source });
  if (parsed.type === "failure") throw invalid(parsed.errors.map((error) => problemOf(error, file, place)));
  const parts = policySetTextToParts(source);
  if (parts.type === "failure" || parts.policies.length !== pieces.length) {
    throw invalid([{ file, line: 1, column: 1, message: "the policies cannot be told apart" }]);
  }
  return pieces.map((piece) => readPolicy(file, source, piece));
}

/**
 * Reads all files, in the order of their names; policies keep their order in the file.
 * @throws `policy.invalid`, `policy.too-large`
 */
export function readPolicies(files: Readonly<Record<string, string>>): SourcePolicy[] {
  const names = Object.keys(files).sort();
  if (names.length > MAX_FILES) {
    throw policyErrors("policy.too-large", { what: "the policy set", limit: MAX_FILES, unit: "files" });
  }
  const policies: SourcePolicy[] = [];
  const seen = new Map<string, SourcePolicy>();
  for (const file of names) {
    for (const policy of readFile(file, files[file] ?? "")) {
      const other = seen.get(policy.id);
      if (other !== undefined) {
        const message = `the @id ${policy.id} is taken by ${other.file}:${other.line}`;
        throw invalid([{ file, ...policy.place(0), policy: policy.id, message, help: "give each policy its own @id" }]);
      }
      seen.set(policy.id, policy);
      policies.push(policy);
      if (policies.length > MAX_POLICIES) {
        throw policyErrors("policy.too-large", { what: "the policy set", limit: MAX_POLICIES, unit: "policies" });
      }
    }
  }
  return policies;
}
