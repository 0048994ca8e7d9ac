// Cases for policies: the lines of the tables in `policies/tests/*.yaml`, already parsed from YAML.
import { Action, ResourceType } from "@pratique/contracts";
import type { Json } from "@pratique/core";
import { z } from "zod";

const Facts = z.record(z.string(), z.json());

const EntityType = z.enum([...ResourceType.options, "User", "Workload", "Group"]);

interface EntityShape {
  type: z.infer<typeof EntityType>;
  id: string;
  attributes?: Record<string, Json> | undefined;
  parents?: EntityShape[] | undefined;
}

const CaseEntity: z.ZodType<EntityShape> = z.strictObject({
  type: EntityType,
  id: z.string(),
  attributes: Facts.optional(),
  parents: z.array(z.lazy(() => CaseEntity)).optional(),
});

/** One line of a table: a request, and what it must come to. */
export const PolicyCase = z.strictObject({
  name: z.string().min(1),
  principal: CaseEntity,
  action: Action,
  resource: CaseEntity,
  /** Attributes of the resource that are different in this case; YAML aliases share the rest. */
  with: Facts.optional(),
  context: Facts.optional(),
  expect: z.enum(["allow", "deny"]),
  /** A policy that must be among those that decided; `none` for a deny that no policy made. */
  policy: z.string().optional(),
});
export type PolicyCase = z.infer<typeof PolicyCase>;
