// `pratique token`: the owner token, for other clients on this machine.
import type { Command } from "../kit/command.ts";
import { ownerToken } from "../kit/owner-token.ts";

export const token: Command = {
  name: "token",
  group: "set-up",
  summary: "print the owner token, for MCP, OpenAI and registry clients on this machine",
  examples: [
    'podman login --tls-verify=false -u owner -p "$(pratique token)" 127.0.0.1:7340',
    'curl -H "Authorization: Bearer $(pratique token)" http://127.0.0.1:7340/v1/models',
  ],
  async run({ context }) {
    const value = await ownerToken(context.home);
    context.terminal.out(context.json ? JSON.stringify({ token: value }) : value);
    return 0;
  },
};
