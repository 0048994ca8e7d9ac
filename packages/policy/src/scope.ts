// Which acts a policy can have a say in: the index by which a set is sliced.
import { schemaToJson, type EntityUidJson, type PolicyJson, type SchemaJson } from "@cedar-policy/cedar-wasm/nodejs";

/** The namespace of the schema. */
export const NAMESPACE = "Pratique";

/** What a scope matches; `any` means that it does not say. Always at least what the engine would match. */
export interface Scope {
  readonly actions: readonly string[] | "any";
  readonly resourceTypes: readonly string[] | "any";
  readonly principalTypes: readonly string[] | "any";
}

/** Every action, and every group of actions, with the actions that are in it (itself too). */
export type ActionMembers = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the groups of actions from the schema. */
export function actionMembers(schema: SchemaJson<string>): ActionMembers {
  const actions = schema[NAMESPACE]?.actions ?? {};
  const members = new Map<string, Set<string>>();
  const add = (group: string, action: string, seen: Set<string>): void => {
    if (seen.has(group)) return;
    seen.add(group);
    const set = members.get(group) ?? new Set();
    members.set(group, set.add(action));
    for (const parent of actions[group]?.memberOf ?? []) add(parent.id, action, seen);
  };
  for (const action of Object.keys(actions)) add(action, action, new Set());
  return members;
}

/** The schema as JSON; undefined when it has no namespace `Pratique`. */
export function schemaJson(schema: string): SchemaJson<string> | undefined {
  const answer = schemaToJson(schema);
  return answer.type === "success" && answer.json[NAMESPACE] !== undefined ? answer.json : undefined;
}

const uid = (entity: EntityUidJson): { type: string; id: string } => ("__entity" in entity ? entity.__entity : entity);

/** `Pratique::Tool` → `Tool`. */
const bare = (type: string): string => (type.startsWith(`${NAMESPACE}::`) ? type.slice(NAMESPACE.length + 2) : type);

function typesOf(constraint: PolicyJson["principal"] | PolicyJson["resource"]): readonly string[] | "any" {
  if (constraint.op === "is") return [bare(constraint.entity_type)];
  if (constraint.op === "==" && "entity" in constraint) return [bare(uid(constraint.entity).type)];
  // `in X` matches descendants of X, whose types are others: no narrowing.
  return "any";
}

/** The scope of a policy, from its head alone. */
export function scopeOf(policy: PolicyJson, members: ActionMembers): Scope {
  const { action } = policy;
  const named =
    action.op === "All" || "slot" in action ? undefined : "entities" in action ? action.entities : [action.entity];
  const actions = named?.flatMap((entity) => [...(members.get(uid(entity).id) ?? [])]);
  return {
    actions: actions === undefined ? "any" : [...new Set(actions)],
    resourceTypes: typesOf(policy.resource),
    principalTypes: typesOf(policy.principal),
  };
}

/** True when a part of a scope has room for a name. */
export function covers(names: readonly string[] | "any", name: string): boolean {
  return names === "any" || names.includes(name);
}
