// `pratique token`: the owner token, for other clients on this machine.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cliErrors } from "../errors.ts";
import type { Command } from "../kit/command.ts";

export const token: Command = {
  name: "token",
  group: "set-up",
  summary: "print the owner token, for MCP, OpenAI and registry clients on this machine",
  examples: [
    'podman login --tls-verify=false -u owner -p "$(pratique token)" 127.0.0.1:7340',
    'curl -H "Authorization: Bearer $(pratique token)" http://127.0.0.1:7340/v1/models',
  ],
  async run({ context }) {
    const file = join(context.home, "token");
    let value: string;
    try {
      value = (await readFile(file, "utf8")).trim();
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "EACCES")
        throw cliErrors("identity.not-yours", { file }, { cause });
      throw cliErrors("identity.no-token", { file }, { cause });
    }
    context.terminal.out(context.json ? JSON.stringify({ token: value }) : value);
    return 0;
  },
};
