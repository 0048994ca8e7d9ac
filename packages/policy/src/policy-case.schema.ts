// Tables of cases for policies, as `policies/tests/*.yaml` holds them (already parsed from YAML).
import { Action, ResourceType } from "@pratique/contracts";
import type { Json, JsonObject } from "@pratique/core";
import { z } from "zod";
import type { Entity } from "./cedar-request.ts";
import { policyErrors } from "./errors.ts";

/** One line of a table: a request, and what it must come to. */
export interface PolicyCase {
  readonly name: string;
  readonly principal: Entity;
  readonly action: Action;
  readonly resource: Entity;
  readonly context?: JsonObject;
  readonly expect: "allow" | "deny";
  /** A policy that must be among those that decided; `none` for a deny that no policy made. */
  readonly policy?: string;
}

const MAX_CASES = 10_000;

const Facts = z.record(z.string(), z.json());

interface EntityShape {
  type: z.infer<typeof EntityType>;
  id: string;
  attributes?: Record<string, Json> | undefined;
  parents?: EntityShape[] | undefined;
}

const EntityType = z.enum([...ResourceType.options, "User", "Workload", "Group"]);

const EntitySchema: z.ZodType<EntityShape> = z.strictObject({
  type: EntityType,
  id: z.string(),
  attributes: Facts.optional(),
  parents: z.array(z.lazy(() => EntitySchema)).optional(),
});

const CaseSchema = z.strictObject({
  name: z.string().min(1),
  /** An entity, or the name of a given one. */
  principal: z.union([z.string(), EntitySchema]),
  action: Action,
  resource: z.union([z.string(), EntitySchema]),
  /** Attributes of the resource that are different in this case. */
  with: Facts.optional(),
  context: Facts.optional(),
  expect: z.enum(["allow", "deny"]),
  policy: z.string().optional(),
});

const Table = z.strictObject({
  /** Entities that cases name. */
  given: z.record(z.string(), EntitySchema).default({}),
  cases: z.array(CaseSchema).max(MAX_CASES),
});

function entityOf({ type, id, attributes, parents }: EntityShape): Entity {
  return {
    type,
    id,
    ...(attributes === undefined ? {} : { attributes }),
    ...(parents === undefined ? {} : { parents: parents.map(entityOf) }),
  };
}

/**
 * Reads a table: `{ given, cases }`, or a bare list of cases.
 * @throws `policy.tests-invalid`
 */
export function parsePolicyCases(document: unknown, file: string): PolicyCase[] {
  const parsed = Table.safeParse(Array.isArray(document) ? { cases: document } : document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join(".") || "the table";
    throw policyErrors("policy.tests-invalid", { file, where, message: issue?.message ?? "is not a table of cases" });
  }
  const given = new Map(Object.entries(parsed.data.given));
  const find = (entity: string | EntityShape, where: string): Entity => {
    const found = typeof entity === "string" ? given.get(entity) : entity;
    if (found !== undefined) return entityOf(found);
    throw policyErrors("policy.tests-invalid", { file, where, message: `nothing given is called ${String(entity)}` });
  };
  return parsed.data.cases.map((line) => {
    const resource = find(line.resource, line.name);
    const attributes = { ...resource.attributes, ...line.with };
    return {
      name: line.name,
      principal: find(line.principal, line.name),
      action: line.action,
      resource: line.with === undefined ? resource : { ...resource, attributes },
      expect: line.expect,
      ...(line.context === undefined ? {} : { context: line.context }),
      ...(line.policy === undefined ? {} : { policy: line.policy }),
    };
  });
}
