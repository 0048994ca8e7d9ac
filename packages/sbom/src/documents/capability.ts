// What an artifact may do, as properties of the artifact in its bill of materials: tools, and what they are given.
import type { SbomSubject } from "./sbom-document.ts";

/** A tool of an MCP server: its name, and what the catalog says of it. */
export const TOOL_PROPERTY = "pratique:tool";
/** How a server is spoken to. */
export const TRANSPORT_PROPERTY = "pratique:transport";
/** What starts it. */
export const COMMAND_PROPERTY = "pratique:command";

/** `network`: hosts and ports. `secret` and `environment`: names of variables. `toolset`: of which agent. */
export const PERMISSIONS = ["user", "network", "secret", "environment", "volume", "toolset", "tool", "host"] as const;
export type Permission = (typeof PERMISSIONS)[number];

const PERMISSION_PREFIX = "pratique:permission:";

export function permissionProperty(permission: Permission): string {
  return `${PERMISSION_PREFIX}${permission}`;
}

/** `network connect api.example.org`, sorted. */
export function permissionsOf({ properties }: Pick<SbomSubject, "properties">): string[] {
  return Object.entries(properties ?? {})
    .filter(([name]) => name.startsWith(PERMISSION_PREFIX))
    .flatMap(([name, value]) => [value].flat().map((one) => `${name.slice(PERMISSION_PREFIX.length)} ${one}`))
    .sort();
}

export function toolsOf({ properties }: Pick<SbomSubject, "properties">): string[] {
  return [properties?.[TOOL_PROPERTY] ?? []].flat().sort();
}
