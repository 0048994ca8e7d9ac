// An MCP server apart from where it came from: files with roles, how it starts, and what it wants to be told.
import type { SbomComponent } from "@pratique/sbom";
import type { Material } from "../artifact-plan.ts";
import type { CanonicalArtifact } from "../canonical/canonical-artifact.ts";

/** What must be in the base image. `native`: nothing but shared libraries. */
export type Runtime = "node" | "python" | "native";

/** `dependency` files change seldom and get a layer of their own. */
export type ServerRole = "entry" | "app" | "dependency" | "description";

export type Transport =
  | { readonly type: "stdio" }
  | { readonly type: "streamable-http" | "sse"; readonly port?: number; readonly path?: string };

export type ServerMetadata = {
  readonly runtime: Runtime;
  /** What follows the runtime's program; of a native server, the program and what follows it. Paths are in the image. */
  readonly args: readonly string[];
  /** Plain values only: what has to be asked for stands in server.json, and secrets nowhere. */
  readonly env: Readonly<Record<string, string>>;
  readonly transport: Transport;
  /** server.json as it stands in the image, byte for byte. */
  readonly serverJson: string;
  readonly licence?: string;
};

export type CanonicalServer = CanonicalArtifact<"mcp-server", ServerMetadata, ServerRole>;

/** A server that was read, with its evidence, while its files are there. */
export interface FoundServer {
  readonly server: CanonicalServer;
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
  /** How it was laid out, for provenance: `bundle`, `node_modules`, `wheels`, `mcpb`, `binary`. */
  readonly layout: string;
  /** What somebody should know who runs it; never a reason to refuse it. */
  readonly notes: readonly string[];
  /** Removes what was fetched for it. */
  close(): Promise<void>;
}
