// Where packing fetches servers from: `packaging` in `pratique.yaml`.
import { z } from "zod";

const Address = z.url({ protocol: /^https?$/ });

export const PackagingConfig = z.strictObject({
  npmRegistry: Address.optional().describe("npm registry that servers are packed from; by default npm's own setting"),
  pythonIndex: Address.optional().describe("Simple API that Python packages come from; by default pip's own setting"),
  wheels: z.string().optional().describe("Directory of wheels that are taken beside the index"),
  offline: z.boolean().default(false).describe("`true` takes Python packages from the directory of wheels alone"),
  mcpRegistry: Address.optional().describe(
    "MCP registry behind `registry:NAME`; by default https://registry.modelcontextprotocol.io",
  ),
});
