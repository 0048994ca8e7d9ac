// What a server was when it was approved, and what it is now.
import { canonicalJson, digestOf, isJsonObject, type Digest, type JsonObject } from "@pratique/core";
import type { ServerFacts } from "../exchange/upstream-port.ts";
import type { ServerDefinition } from "../server-definition.ts";

/** What a server says of itself, as far as a model or a person relies on it. */
export interface ServerWords {
  /** Digest of the image that it runs from. */
  readonly image?: string;
  readonly instructions?: string;
  /** As the server listed them, by name. */
  readonly tools: Readonly<Record<string, JsonObject>>;
}

export interface Pin extends ServerWords {
  /** first-use: as it was first seen. person: as somebody read and approved it. */
  readonly baseline: "first-use" | "person";
  readonly by?: string;
  /** RFC 3339. */
  readonly at: string;
  /** The catalog that listed it when it was approved. */
  readonly origin?: string;
}

export function wordsOf(
  definition: ServerDefinition,
  { instructions }: ServerFacts,
  tools: readonly JsonObject[],
): ServerWords {
  const named = new Map<string, JsonObject>();
  for (const tool of tools) {
    const { name } = tool;
    // The first of a name counts, as it does for clients.
    if (typeof name === "string" && !named.has(name)) named.set(name, tool);
  }
  return {
    ...(definition.digest === undefined ? {} : { image: definition.digest }),
    ...(instructions === undefined || instructions === "" ? {} : { instructions }),
    // Also one that is called `__proto__` is a member of its own.
    tools: Object.fromEntries(named),
  };
}

/** Of all that a server says: an approval is for exactly that. */
export function wordsDigest({ image, instructions, tools }: ServerWords): Digest {
  return digestOf(textOf({ image, instructions, tools }));
}

export function isSameTool(a: JsonObject, b: JsonObject): boolean {
  return a === b || textOf(a) === textOf(b);
}

function textOf(value: JsonObject): string {
  try {
    return canonicalJson(value);
  } catch {
    // Lone surrogates have no canonical form; any form of their own tells them apart.
    return JSON.stringify(value);
  }
}

/** A pin as it was kept; undefined when it is none. */
export function readPin(body: string): Pin | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { baseline, by, at, origin, image, instructions, tools } = value;
  if (baseline !== "first-use" && baseline !== "person") return undefined;
  if (typeof at !== "string" || !isJsonObject(tools)) return undefined;
  const entries = Object.entries(tools);
  if (!entries.every((entry): entry is [string, JsonObject] => isJsonObject(entry[1]))) return undefined;
  return {
    baseline,
    at,
    tools: Object.fromEntries(entries),
    ...(typeof by === "string" ? { by } : {}),
    ...(typeof origin === "string" ? { origin } : {}),
    ...(typeof image === "string" ? { image } : {}),
    ...(typeof instructions === "string" ? { instructions } : {}),
  };
}

/** By what a server is known: its name, or that and the image where whoever placed it named the image. */
export function pinKey({ name, digest, pinBy = "name" }: ServerDefinition): string {
  return pinBy === "digest" && digest !== undefined ? `${name}@${digest}` : name;
}
