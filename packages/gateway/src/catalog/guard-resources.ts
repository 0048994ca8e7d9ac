// Servers and tools as policy sees them.
import type { Tool } from "@modelcontextprotocol/client";
import type { GuardResource } from "@pratique/guard";
import type { ServerDefinition } from "../server-definition.ts";

/** The server, with what is known of it now. A clearance that cannot be looked up is none. */
export async function serverResource(definition: ServerDefinition): Promise<GuardResource> {
  const { name, isolated, digest } = definition;
  const withDigest = digest === undefined ? {} : { digest };
  const { cleared, ...current } = await clearedNow(definition);
  const attributes = { name, isolated, cleared, ...withDigest };
  return { type: "Server", id: name, ...withDigest, attributes, ...current };
}

/** A tool of that server. What the server says of it are claims, with MCP's defaults; the catalog's verdict stands apart. */
export function toolResource(server: GuardResource, definition: ServerDefinition, tool: Tool): GuardResource {
  const { readOnlyHint = false, destructiveHint = true, openWorldHint = true } = tool.annotations ?? {};
  const verdict = Object.hasOwn(definition.verdicts, tool.name) ? definition.verdicts[tool.name] : undefined;
  return {
    type: "Tool",
    id: `${definition.name}/${tool.name}`,
    ...(definition.digest === undefined ? {} : { digest: definition.digest }),
    attributes: {
      name: tool.name,
      server: definition.name,
      claimsReadOnly: readOnlyHint,
      claimsDestructive: destructiveHint,
      claimsOpenWorld: openWorldHint,
      readOnly: verdict?.readOnly === true,
      cleared: server.attributes?.["cleared"] === true,
      isolated: definition.isolated,
    },
    parents: [server],
    ...(server.isCurrent === undefined ? {} : { isCurrent: server.isCurrent }),
  };
}

async function clearedNow({
  cleared,
}: ServerDefinition): Promise<{ readonly cleared: boolean; readonly isCurrent?: () => boolean }> {
  if (typeof cleared === "boolean") return { cleared };
  try {
    const now = await cleared();
    return typeof now === "boolean" ? { cleared: now } : { cleared: now.cleared, isCurrent: () => now.isCurrent() };
  } catch {
    return { cleared: false };
  }
}
