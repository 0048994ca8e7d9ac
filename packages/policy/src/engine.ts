// The Cedar engine behind one door: pre-parsed stateful calls only, and every failure is a verdict.
import {
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
  type CheckParseAnswer,
  type Policy,
} from "@cedar-policy/cedar-wasm/nodejs";
import type { CedarRequest } from "./cedar-request.ts";

/** What the engine answers: who decided, or why it could not. */
export type Verdict =
  | { readonly type: "decided"; readonly allow: boolean; readonly policies: readonly string[] }
  /** Policies that could not be evaluated. Cedar would skip them, so a forbid would not hold: it is a denial. */
  | { readonly type: "erred"; readonly policies: readonly string[]; readonly message: string }
  /** The request does not fit the schema, or the engine itself failed. */
  | { readonly type: "refused"; readonly message: string };

function checked(answer: CheckParseAnswer): void {
  if (answer.type === "failure") throw new Error(answer.errors[0]?.message ?? "the engine refused it");
}

/** Hands a schema to the engine under a name. Names are made of content digests: the same name is the same content. */
export function prepareSchema(name: string, schema: string): void {
  checked(preparseSchema(name, schema));
}

/** Hands policies to the engine under a name. Passed as a map, since only then the ids are ours. */
export function preparePolicies(name: string, policies: Readonly<Record<string, Policy>>): void {
  checked(preparsePolicySet(name, { staticPolicies: policies }));
}

/** Asks one prepared set. Without a schema the request is not checked against one. */
export function ask(request: CedarRequest, policies: string, schema: string | undefined): Verdict {
  let answer: ReturnType<typeof statefulIsAuthorized>;
  try {
    answer = statefulIsAuthorized({
      ...request,
      preparsedPolicySetId: policies,
      ...(schema === undefined ? {} : { preparsedSchemaName: schema, validateRequest: true }),
    });
  } catch (error) {
    return { type: "refused", message: `the policy engine failed: ${String(error).slice(0, 300)}` };
  }
  if (answer.type === "failure") {
    const message = answer.errors[0]?.message ?? "the policy engine gave no reason";
    return { type: "refused", message: message.slice(0, 500) };
  }
  const { decision, diagnostics } = answer.response;
  const [error] = diagnostics.errors;
  if (error !== undefined) {
    const policies = diagnostics.errors.map(({ policyId }) => policyId);
    return { type: "erred", policies, message: error.error.message.slice(0, 500) };
  }
  return { type: "decided", allow: decision === "allow", policies: diagnostics.reason };
}
