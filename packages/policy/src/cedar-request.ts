// From our entities to the engine's: only the slice that the request names, bounded, with nothing that the engine
// would read as anything but data.
import type { CedarValueJson, EntityJson, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";
import type { Action, ResourceType } from "@pratique/contracts";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { MAX_ENTITIES, MAX_REQUEST, MAX_STRING, MAX_VALUE_DEPTH } from "./limits.ts";
import { NAMESPACE } from "./scope.ts";

/** Somebody or something with the attributes of the schema. A parent given without attributes is only named. */
export interface Entity {
  readonly type: ResourceType | "User" | "Workload" | "Group";
  readonly id: string;
  readonly attributes?: JsonObject;
  readonly parents?: readonly Entity[];
}

export interface PolicyRequest {
  readonly principal: Entity;
  readonly action: Action;
  readonly resource: Entity;
  readonly context?: JsonObject;
}

/** What the engine is asked. */
export interface CedarRequest {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
  readonly context: Record<string, CedarValueJson>;
  readonly entities: EntityJson[];
}

/** A request that cannot be put to the engine; the message says why. Becomes a denial, never an exception outside. */
export class UnfitRequest extends Error {}

// Keys by which Cedar's JSON names entities, extension calls and expressions: from outside they must stay data.
const RESERVED = new Set(["__entity", "__extn", "__expr"]);

function cedarValue(value: Json | undefined, path: string, depth = 0): CedarValueJson {
  if (depth > MAX_VALUE_DEPTH) throw new UnfitRequest(`${path.slice(0, 100)} is nested too deep`);
  if (typeof value === "string") {
    if (value.length > MAX_STRING) throw new UnfitRequest(`${path} is longer than ${MAX_STRING} characters`);
    if (!value.isWellFormed()) throw new UnfitRequest(`${path} is not well-formed text`);
    return value;
  }
  if (typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new UnfitRequest(`${path} is not a whole number`);
    return value;
  }
  if (Array.isArray(value)) return value.map((item: Json, at) => cedarValue(item, `${path}[${at}]`, depth + 1));
  if (isJsonObject(value)) return cedarRecord(value, path, depth + 1);
  throw new UnfitRequest(`${path} has no value`);
}

function cedarRecord(value: JsonObject, path: string, depth = 0): Record<string, CedarValueJson> {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(
    entries.map(([key, item]) => {
      if (RESERVED.has(key)) throw new UnfitRequest(`${path} has the reserved key ${key}`);
      return [key, cedarValue(item, `${path}.${key}`, depth)];
    }),
  );
}

const uidOf = (entity: Entity): TypeAndId => ({ type: `${NAMESPACE}::${entity.type}`, id: entity.id });

/**
 * Cedar reads no attributes of a parent, so a tool takes over whether its server is isolated (not told: it is not), and
 * a repository the host of its registry. Of an artifact of which nobody says that something is waived, nothing is.
 */
function attributesOf(entity: Entity): JsonObject {
  const own = entity.attributes ?? {};
  switch (entity.type) {
    case "Tool":
      return { isolated: parentOf(entity, "Server")?.["isolated"] === true, ...own };
    case "Repository":
      return { registry: parentOf(entity, "Registry")?.["host"] ?? "", ...own };
    case "Artifact":
      return { waived: [], ...own };
    default:
      return own;
  }
}

function parentOf(entity: Entity, type: Entity["type"]): JsonObject | undefined {
  return entity.parents?.find((parent) => parent.type === type)?.attributes;
}

function collect(entity: Entity, isRoot: boolean, found: Map<string, EntityJson>, depth = 0): void {
  if (depth > MAX_VALUE_DEPTH) throw new UnfitRequest("the parents are nested too deep");
  for (const parent of entity.parents ?? []) collect(parent, false, found, depth + 1);
  const isNamedOnly = !isRoot && entity.attributes === undefined && entity.type !== "Group";
  if (isNamedOnly) return;
  const uid = uidOf(entity);
  const json: EntityJson = {
    uid,
    attrs: cedarRecord(attributesOf(entity), entity.type),
    parents: (entity.parents ?? []).map(uidOf),
  };
  const key = JSON.stringify([uid.type, uid.id]);
  const other = found.get(key);
  if (other !== undefined && JSON.stringify(other) !== JSON.stringify(json)) {
    throw new UnfitRequest(`${entity.type} ${entity.id.slice(0, 100)} is there twice, with different facts`);
  }
  found.set(key, json);
  if (found.size > MAX_ENTITIES) throw new UnfitRequest(`it names more than ${MAX_ENTITIES} entities`);
}

/** Puts a request into the engine's form. @throws UnfitRequest */
export function cedarRequest(request: PolicyRequest): CedarRequest {
  const found = new Map<string, EntityJson>();
  collect(request.principal, true, found);
  collect(request.resource, true, found);
  return {
    principal: uidOf(request.principal),
    action: { type: `${NAMESPACE}::Action`, id: request.action },
    resource: uidOf(request.resource),
    context: cedarRecord(request.context ?? {}, "context"),
    entities: [...found.values()],
  };
}

/** The same text for the same question: the engine's form in canonical JSON. @throws UnfitRequest when too large */
export function canonicalRequest(request: CedarRequest): string {
  const { principal, action, resource, context, entities } = request;
  const text = canonicalJson(asJson({ principal, action, resource, context, entities }));
  if (text.length > MAX_REQUEST) throw new UnfitRequest(`it is larger than ${MAX_REQUEST} characters`);
  return text;
}

/** The engine's types are JSON, written mutable. */
const asJson = (value: object): Json => value as Json;
