// A set of policies, validated once, asked often.
import { checkParseSchema, validate } from "@cedar-policy/cedar-wasm/nodejs";
import type { Decision, PolicyReason } from "@pratique/contracts";
import { canonicalJson, digestOf, type Digest } from "@pratique/core";
import {
  canonicalRequest,
  cedarRequest,
  UnfitRequest,
  type CedarRequest,
  type PolicyRequest,
} from "./cedar-request.ts";
import { fromByteOffset, nestingOf, placeOf } from "./cedar-text.ts";
import { blankUnread, readsContext, type ReadsContext } from "./context-use.ts";
import { LatestUsed } from "./decision-cache.ts";
import { ask, preparePolicies, prepareSchema, type Verdict } from "./engine.ts";
import { policyErrors } from "./errors.ts";
import { DEFAULT_CACHE_ENTRIES, MAX_FILE_BYTES, MAX_NESTING } from "./limits.ts";
import { problemOf, readPolicies, type SourcePolicy } from "./policy-source.ts";
import { invalid } from "./problem.ts";
import { actionMembers, covers, NAMESPACE, schemaJson, scopeOf, type ActionMembers, type Scope } from "./scope.ts";
import {
  allowSentence,
  defaultDenySentence,
  fillRemedy,
  forbidSentence,
  nearestSentence,
  printable,
  undecidedSentence,
} from "./sentences.ts";

const SCHEMA_FILE = "pratique.cedarschema";

/** A policy of a set, for lists and explanations. */
export interface PolicySummary extends Scope {
  readonly id: string;
  readonly effect: "permit" | "forbid";
  readonly reason?: string;
  readonly remedy?: string;
  readonly file: string;
  readonly line: number;
  /** The policy itself, in Cedar. */
  readonly text: string;
}

export interface PolicySet {
  /** SHA-256 over the schema and the policies' texts by id: moving a policy to another file does not change it. */
  readonly digest: Digest;
  /** In the order of file names, then of the text. */
  readonly policies: readonly PolicySummary[];
  /** Never throws: what cannot be decided is denied, and the reason says why. */
  decide(request: PolicyRequest): Decision;
}

export interface PolicySources {
  readonly schema: string;
  /** Cedar text by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** Decisions to remember; 0 for none. */
  readonly cacheEntries?: number;
}

interface Slice {
  /** The name under which the engine has it. */
  readonly name: string;
  readonly policies: readonly PolicySummary[];
  readonly reads: ReadsContext;
}

class LoadedPolicySet implements PolicySet {
  readonly digest: Digest;
  readonly policies: readonly PolicySummary[];
  readonly #sources: ReadonlyMap<string, SourcePolicy>;
  readonly #schemaName: string;
  readonly #slices = new Map<string, Slice>();
  readonly #decisions: LatestUsed<Decision>;

  constructor(schema: string, sources: readonly SourcePolicy[], members: ActionMembers, cacheEntries: number) {
    const texts = Object.fromEntries(sources.map(({ id, text }) => [id, text]));
    this.digest = digestOf(canonicalJson({ schema: schema.replaceAll("\r\n", "\n"), policies: texts }));
    this.policies = sources.map((source) => summaryOf(source, members));
    this.#sources = new Map(sources.map((source) => [source.id, source]));
    this.#schemaName = `schema/${this.digest}`;
    this.#decisions = new LatestUsed(cacheEntries);
    prepareSchema(this.#schemaName, schema);
  }

  decide(request: PolicyRequest): Decision {
    try {
      const slice = this.#sliceFor(request);
      const full = cedarRequest(request);
      const cedar = { ...full, context: blankUnread(full.context, slice.reads) };
      const key = digestOf(`${this.digest}\n${canonicalRequest(cedar)}`);
      const known = this.#decisions.get(key);
      if (known !== undefined) return known;
      const decision = frozen(this.#evaluate(request, cedar, slice));
      this.#decisions.set(key, decision);
      return decision;
    } catch (error) {
      const why = error instanceof UnfitRequest ? error.message : "it could not be evaluated";
      return frozen(this.#undecided(undecidedSentence(why)));
    }
  }

  #evaluate(request: PolicyRequest, cedar: CedarRequest, slice: Slice): Decision {
    const verdict = ask(cedar, slice.name, this.#schemaName);
    if (verdict.type === "refused") {
      return this.#undecided(undecidedSentence(verdict.message));
    }
    const policies = this.#reasons(verdict.policies, request);
    if (verdict.type === "erred") {
      const failed = `policy ${policies[0]?.id ?? ""} could not be evaluated: ${printable(verdict.message)}`;
      return { ...this.#undecided(failed), policies };
    }
    if (verdict.allow) {
      const reason = allowSentence(policies, request);
      return { allow: true, policies, reason, policyDigest: this.digest, needsApproval: false };
    }
    const denial = {
      allow: false,
      policies,
      policyDigest: this.digest,
      needsApproval: this.#wouldAllowApproved(cedar, slice),
    };
    if (policies.length > 0) {
      const remedies = new Set(policies.map(({ remedy }) => remedy).filter((remedy) => remedy !== undefined));
      const remedy = [...remedies].join("; ");
      return { ...denial, reason: forbidSentence(policies, request), ...(remedy === "" ? {} : { remedy }) };
    }
    const nearest = slice.policies.filter(
      ({ effect, principalTypes }) => effect === "permit" && covers(principalTypes, request.principal.type),
    );
    return { ...denial, reason: defaultDenySentence(request), remedy: nearestSentence(nearest, request) };
  }

  #wouldAllowApproved(cedar: CedarRequest, slice: Slice): boolean {
    if (!slice.reads("approved") || cedar.context["approved"] === true) return false;
    const approved: Verdict = ask(
      { ...cedar, context: { ...cedar.context, approved: true } },
      slice.name,
      this.#schemaName,
    );
    return approved.type === "decided" && approved.allow;
  }

  #undecided(reason: string): Decision {
    return { allow: false, policies: [], reason, policyDigest: this.digest, needsApproval: false };
  }

  /** The engine gives ids in no order; ours is the set's. */
  #reasons(ids: readonly string[], request: PolicyRequest): PolicyReason[] {
    return this.policies
      .filter(({ id }) => ids.includes(id))
      .map(({ id, effect, reason, remedy }) => ({
        id,
        effect,
        ...(reason === undefined ? {} : { reason }),
        ...(remedy === undefined || effect === "permit" ? {} : { remedy: fillRemedy(remedy, request.resource) }),
      }));
  }

  /** Made at first use; sets of the same policies share one copy in the engine. */
  #sliceFor(request: PolicyRequest): Slice {
    const key = `${request.action} ${request.resource.type}`;
    const known = this.#slices.get(key);
    if (known !== undefined) return known;
    const policies = this.policies.filter(
      ({ actions, resourceTypes }) => covers(actions, request.action) && covers(resourceTypes, request.resource.type),
    );
    const ids = policies.map(({ id }) => id);
    const name = `slice/${this.digest}/${digestOf(canonicalJson(ids))}`;
    preparePolicies(name, Object.fromEntries(policies.map(({ id, text }) => [id, text])));
    const reads = readsContext(ids.flatMap((id) => this.#sources.get(id)?.json ?? []));
    const slice = { name, policies, reads };
    // Actions and types are closed lists: a key outside them is not worth remembering.
    if (this.#slices.size < 1_000) this.#slices.set(key, slice);
    return slice;
  }
}

function summaryOf(source: SourcePolicy, members: ActionMembers): PolicySummary {
  const { id, effect, reason, remedy, file, line, text, json } = source;
  return Object.freeze({
    id,
    effect,
    ...(reason === undefined ? {} : { reason }),
    ...(remedy === undefined ? {} : { remedy }),
    file,
    line,
    text,
    ...scopeOf(json, members),
  });
}

/** Decisions are shared by the cache: nobody may change one. */
function frozen(decision: Decision): Decision {
  for (const policy of decision.policies) Object.freeze(policy);
  Object.freeze(decision.policies);
  return Object.freeze(decision);
}

function checkSchema(schema: string): ActionMembers {
  if (Buffer.byteLength(schema) > MAX_FILE_BYTES) {
    throw policyErrors("policy.too-large", { what: SCHEMA_FILE, limit: MAX_FILE_BYTES, unit: "bytes" });
  }
  if (nestingOf(schema) > MAX_NESTING) {
    throw policyErrors("policy.too-large", { what: SCHEMA_FILE, limit: MAX_NESTING, unit: "nested brackets" });
  }
  const parsed = checkParseSchema(schema);
  if (parsed.type === "failure") {
    const place = (byteOffset: number): { line: number; column: number } =>
      placeOf(schema, fromByteOffset(schema, byteOffset));
    throw invalid(parsed.errors.map((error) => problemOf(error, SCHEMA_FILE, place)));
  }
  const json = schemaJson(schema);
  if (json !== undefined) return actionMembers(json);
  const message = `the schema has no namespace ${NAMESPACE}`;
  throw invalid([{ file: SCHEMA_FILE, line: 1, column: 1, message }]);
}

/** Strict validation. A warning (a policy that can never apply, a letter that only looks like another) is refused too. */
function checkAgainstSchema(schema: string, sources: readonly SourcePolicy[]): void {
  const texts = Object.fromEntries(sources.map(({ id, text }) => [id, text]));
  const answer = validate({ schema, policies: { staticPolicies: texts }, validationSettings: { mode: "strict" } });
  const byId = new Map(sources.map((source) => [source.id, source]));
  if (answer.type === "failure") {
    throw invalid(answer.errors.map((error) => problemOf(error, "policies", () => ({ line: 1, column: 1 }))));
  }
  const found = [...answer.validationErrors, ...answer.validationWarnings];
  if (found.length === 0) return;
  throw invalid(
    found.map(({ policyId, error }) => {
      const source = byId.get(policyId);
      return problemOf(error, source?.file ?? "policies", source?.place ?? (() => ({ line: 1, column: 1 })), policyId);
    }),
  );
}

/**
 * Reads, bounds and validates a set of policies. Pure: the caller reads the files.
 * @throws `policy.invalid` with file, line, column and what the engine says; `policy.too-large`
 */
export function loadPolicySet(sources: PolicySources): PolicySet {
  const members = checkSchema(sources.schema);
  const policies = readPolicies(sources.files);
  checkAgainstSchema(sources.schema, policies);
  return new LoadedPolicySet(sources.schema, policies, members, sources.cacheEntries ?? DEFAULT_CACHE_ENTRIES);
}
