// Finds the part of a permit that did not hold, by asking the engine about ever longer beginnings of it.
import { policyToJson, policyToText, type Clause, type Expr, type PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { digestOf } from "@pratique/core";
import type { CedarRequest } from "./cedar-request.ts";
import { ask, preparePolicies } from "./engine.ts";

const EVERYONE: Pick<PolicyJson, "principal" | "action" | "resource"> = {
  principal: { op: "All" },
  action: { op: "All" },
  resource: { op: "All" },
};

function conjuncts(expression: Expr): Expr[] {
  if (!("&&" in expression)) return [expression];
  const { left, right } = expression["&&"] as { left: Expr; right: Expr };
  return [...conjuncts(left), ...conjuncts(right)];
}

/** `a && b` of a `when` is two steps; an `unless` stands as a whole. */
function steps(clauses: readonly Clause[]): Clause[] {
  return clauses.flatMap((clause) =>
    clause.kind === "unless" ? [clause] : conjuncts(clause.body).map((body): Clause => ({ kind: "when", body })),
  );
}

function holds(policy: PolicyJson, request: CedarRequest): boolean {
  const name = `clause/${digestOf(JSON.stringify(policy))}`;
  preparePolicies(name, { clause: policy });
  const verdict = ask(request, name, undefined);
  return verdict.type === "decided" && verdict.allow;
}

function textOf(policy: PolicyJson): string {
  const answer = policyToText(policy);
  return answer.type === "success" ? answer.text.replace(/\s+/g, " ") : "";
}

/** `when { principal.owner }` */
function clauseText(clause: Clause): string {
  const text = textOf({ effect: "permit", ...EVERYONE, conditions: [clause] });
  return text.slice(text.indexOf(clause.kind)).replace(/;$/, "");
}

/** `principal in Pratique::Group::"team"` */
function headText(policy: PolicyJson, part: "principal" | "action" | "resource"): string {
  const text = textOf({ effect: "permit", ...EVERYONE, [part]: policy[part], conditions: [] });
  const plain = { principal: ", action, resource);", action: ", resource);", resource: ");" }[part];
  const start = { principal: "permit(", action: "permit(principal, ", resource: "permit(principal, action, " }[part];
  return text.slice(start.length, -plain.length);
}

/** The first part of a permit that does not hold for a request; undefined when all of it does. */
export function failingClause(text: string, request: CedarRequest): string | undefined {
  const parsed = policyToJson(text);
  if (parsed.type === "failure") return undefined;
  const policy: PolicyJson = { ...parsed.json, effect: "permit" };
  for (const part of ["principal", "action", "resource"] as const) {
    const head: PolicyJson = { effect: "permit", ...EVERYONE, [part]: policy[part], conditions: [] };
    if (!holds(head, request)) return headText(policy, part);
  }
  const all = steps(policy.conditions);
  for (const [at, clause] of all.entries()) {
    // With all steps before it: `context has tag` guards the `context.tag` after it.
    const prefix: PolicyJson = { effect: "permit", ...EVERYONE, conditions: all.slice(0, at + 1) };
    if (!holds(prefix, request)) return clauseText(clause);
  }
  return undefined;
}
