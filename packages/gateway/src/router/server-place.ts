// A server as policy sees it, and what is remembered of that.
import type { JsonObject } from "@pratique/core";
import type { GuardResource } from "@pratique/guard";
import type { ServerDefinition } from "../server-definition.ts";
import { textAt } from "./fit-entry.ts";

/** The server, with what is known of it now. */
export class ServerPlace {
  readonly definition: ServerDefinition;
  readonly #byClearance = new Map<boolean, GuardResource>();
  /** As the definition looked it up, until that is out of date. */
  #current: GuardResource | undefined;

  constructor(definition: ServerDefinition) {
    this.definition = definition;
  }

  /** The same object while the same is known: whoever remembers something of it may go by that. */
  resource(): GuardResource | Promise<GuardResource> {
    if (this.#current?.isCurrent?.() === true) return this.#current;
    const { cleared } = this.definition;
    return typeof cleared === "boolean" ? this.#known(cleared) : this.#lookUp(cleared);
  }

  /** A clearance that cannot be looked up is none. */
  async #lookUp(cleared: Exclude<ServerDefinition["cleared"], boolean>): Promise<GuardResource> {
    try {
      const now = await cleared();
      if (typeof now === "boolean") return this.#known(now);
      const resource = { ...this.#known(now.cleared), isCurrent: () => now.isCurrent() };
      this.#current = resource;
      return resource;
    } catch {
      return this.#known(false);
    }
  }

  #known(cleared: boolean): GuardResource {
    const known = this.#byClearance.get(cleared);
    if (known !== undefined) return known;
    const { name, isolated, digest } = this.definition;
    const withDigest = digest === undefined ? {} : { digest };
    const attributes = { name, isolated, cleared, ...withDigest };
    const resource: GuardResource = { type: "Server", id: name, ...withDigest, attributes };
    this.#byClearance.set(cleared, resource);
    return resource;
  }
}

/**
 * A tool of that server. What the server says of it are claims, with MCP's defaults; the catalog's verdict stands apart.
 * `isHeld`: it is not what was approved.
 */
export function toolResource(
  server: GuardResource,
  definition: ServerDefinition,
  tool: JsonObject,
  isHeld: boolean,
): GuardResource {
  const name = textAt(tool, "name") ?? "";
  const { isCurrent, ...parent } = server;
  const verdict = Object.hasOwn(definition.verdicts, name) ? definition.verdicts[name] : undefined;
  return {
    type: "Tool",
    id: `${definition.name}/${name}`,
    ...(definition.digest === undefined ? {} : { digest: definition.digest }),
    attributes: {
      name,
      server: definition.name,
      claimsReadOnly: claim(tool, "readOnlyHint", false),
      claimsDestructive: claim(tool, "destructiveHint", true),
      claimsOpenWorld: claim(tool, "openWorldHint", true),
      readOnly: verdict?.readOnly === true,
      destructive: verdict?.destructive !== false && verdict?.readOnly !== true,
      held: isHeld,
      cleared: server.attributes?.["cleared"] === true,
      isolated: definition.isolated,
    },
    parents: [parent],
    ...(isCurrent === undefined ? {} : { isCurrent }),
  };
}

function claim(tool: JsonObject, hint: string, otherwise: boolean): boolean {
  const { annotations } = tool;
  if (typeof annotations !== "object" || annotations === null || Array.isArray(annotations)) return otherwise;
  const value = (annotations as JsonObject)[hint];
  return typeof value === "boolean" ? value : otherwise;
}
