// `pratique gateway clients`: which clients are here, and which are connected.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";
import { clientPlaces } from "../mcp-clients/client-places.ts";
import { clientStates } from "../mcp-clients/connect-client.ts";

export const gatewayClients: Command = {
  name: "gateway clients",
  group: "set-up",
  summary: "list clients that can be connected, which are installed, and which are connected",
  examples: ["pratique gateway clients"],
  async run({ context }) {
    const { terminal, json, home, environment } = context;
    const states = await clientStates(home, clientPlaces(environment));
    if (json) {
      const clients = states.map(({ client, file, isInstalled, connection }) => ({
        name: client.name,
        title: client.title,
        file,
        isInstalled,
        isConnected: connection !== undefined,
      }));
      terminal.out(JSON.stringify({ clients }, null, 2));
      return 0;
    }
    const rows = states.map(({ client, file, isInstalled, connection }) => {
      const state = connection !== undefined ? "connected" : isInstalled ? "installed" : "not found";
      return [
        client.name,
        terminal.paint(connection !== undefined ? "good" : isInstalled ? "accent" : "dim", state),
        file,
      ];
    });
    terminal.out(columns(rows));
    return 0;
  },
};
