// A package under the server.json that names it, or under one made of what the package says.
import { packagingErrors } from "../errors.ts";
import type { Transport } from "./canonical-server.ts";
import {
  parseServerJson,
  plainArguments,
  plainEnvironment,
  type ServerJson,
  type ServerPackage,
} from "./server-json.schema.ts";
import { transportOf } from "./server-transport.ts";

/** A server.json, and the one of its packages that is taken. */
export interface Describes {
  readonly server: ServerJson;
  readonly serverJson: Buffer;
  readonly package: ServerPackage;
}

export interface Described {
  readonly server: ServerJson;
  readonly serverJson: Buffer;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly transport: Transport;
  readonly notes: readonly string[];
}

/**
 * The registry takes a package for a server's only when the package says so too (`mcpName` in package.json, `mcp-name:` in
 * a README, the label of an image), or else anybody could describe another's package as his own server.
 * @throws `mcp-server.name-not-proven` when the package names another server
 */
export function describedBy(
  describes: Describes | undefined,
  proof: { readonly source: string; readonly stated: string | undefined },
  made: () => string,
): Described {
  if (describes === undefined) {
    const serverJson = Buffer.from(made());
    const server = parseServerJson(serverJson);
    return { ...whatItSays(server.packages[0]), server, serverJson, notes: [] };
  }
  const { server, serverJson } = describes;
  const { source, stated } = proof;
  if (stated !== undefined && stated !== server.name) {
    throw packagingErrors("mcp-server.name-not-proven", { name: server.name, source, stated });
  }
  const notes = stated === undefined ? [`${source} does not say that it is ${server.name}`] : [];
  return { ...whatItSays(describes.package), server, serverJson, notes };
}

function whatItSays(from: ServerPackage | undefined): Pick<Described, "args" | "env" | "transport"> {
  return { args: plainArguments(from?.packageArguments), env: plainEnvironment(from), transport: transportOf(from) };
}
