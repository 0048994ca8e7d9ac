// What policy was asked, as it was kept beside the log: bounded and checked when it is read again.
import { Action, ResourceType } from "@pratique/contracts";
import type { Json } from "@pratique/core";
import { z } from "zod";
import type { Entity, PolicyRequest } from "../cedar-request.ts";

const Facts = z.record(z.string(), z.json());

interface EntityShape {
  type: Entity["type"];
  id: string;
  attributes?: Record<string, Json> | undefined;
  parents?: EntityShape[] | undefined;
}

const RecordedEntity: z.ZodType<EntityShape> = z.strictObject({
  type: z.enum([...ResourceType.options, "User", "Workload", "Group"]),
  id: z.string(),
  attributes: Facts.optional(),
  parents: z.array(z.lazy(() => RecordedEntity)).optional(),
});

const RecordedRequest = z.strictObject({
  principal: RecordedEntity,
  action: Action,
  resource: RecordedEntity,
  context: Facts.optional(),
});

function entityOf({ type, id, attributes, parents }: EntityShape): Entity {
  return {
    type,
    id,
    ...(attributes === undefined ? {} : { attributes }),
    ...(parents === undefined ? {} : { parents: parents.map(entityOf) }),
  };
}

/** Reads what was kept; undefined when this version cannot. */
export function readRecordedRequest(text: string): PolicyRequest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = RecordedRequest.safeParse(json).data;
  if (read === undefined) return undefined;
  return {
    principal: entityOf(read.principal),
    action: read.action,
    resource: entityOf(read.resource),
    ...(read.context === undefined ? {} : { context: read.context }),
  };
}
