// Puts the servers of `gateway.servers` behind the gateway at start-up. One that fails does not stop the others.
import { describeError, type Log } from "@pratique/core";
import type { Config, UserPrincipal } from "@pratique/contracts";
import type { Gateway } from "@pratique/gateway";
import type { Artifacts } from "./artifacts/artifacts.ts";
import type { ToolServers } from "./runs/tool-servers.ts";

export interface ConfiguredServersParts {
  readonly owner: UserPrincipal;
  readonly artifacts: Artifacts;
  readonly servers: ToolServers;
  readonly gateway: Gateway;
  readonly log: Log;
}

export async function placeConfiguredServers(config: Config, parts: ConfiguredServersParts): Promise<void> {
  for (const [name, server] of Object.entries(config.gateway.servers)) {
    try {
      if ("url" in server) {
        const verdicts = Object.fromEntries(server.readOnlyTools.map((tool) => [tool, { readOnly: true }]));
        // Somebody else's process: not in our container, and the owner's own configuration stands for its clearance.
        parts.servers.reserve(name);
        parts.gateway.addServer({
          name,
          isolated: true,
          cleared: true,
          verdicts,
          transport: { type: "http", url: server.url },
        });
      } else if ("reference" in server) {
        await parts.servers.place(parts.owner, await parts.artifacts.find(server.reference), {
          name,
          allowUnisolated: false,
        });
      }
    } catch (error) {
      parts.log.error("a configured server is not available", { server: name, ...describeError(error) });
    }
  }
}
