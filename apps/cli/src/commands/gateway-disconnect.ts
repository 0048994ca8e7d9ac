// `pratique gateway disconnect CLIENT`: takes the gateway out of a client's configuration.
import { readConnection, removeConnection } from "../connect/connection.ts";
import { planUndo, runUndo } from "../connect/undo.ts";
import { cliErrors } from "../errors.ts";
import type { Command } from "../kit/command.ts";
import { clientNamed, recordName } from "../mcp-clients/connect-client.ts";
import { projectOf } from "./gateway-connect.ts";

export const gatewayDisconnect: Command = {
  name: "gateway disconnect",
  group: "set-up",
  summary: "take the gateway out of a client's configuration again",
  description:
    "A file that is as gateway connect left it becomes what it was, to the byte. One that changed since loses our entry and nothing else.",
  usage: "<client>",
  minArgs: 1,
  flags: {
    scope: { type: "string", value: "user|project", summary: "which configuration (default user)" },
    "dry-run": { type: "boolean", summary: "say what would be done, and do nothing" },
  },
  examples: ["pratique gateway disconnect claude-code", "pratique gateway disconnect cursor --scope project"],
  async run({ args, flags, context }) {
    const { home, terminal, json } = context;
    const client = clientNamed(args[0] ?? "");
    const project = projectOf(flags, context);
    const record = recordName(client);
    const connection = await readConnection(home, record, project);
    if (connection === undefined) {
      const hint = "pratique gateway clients shows which are; --scope project and --home say where else to look";
      throw cliErrors("connect.nothing-to-undo", { client: client.title }, { hint });
    }
    const steps = await planUndo(connection);
    const isDryRun = flags["dry-run"] === true;
    if (!isDryRun) {
      await runUndo(steps);
      await removeConnection(home, record, project);
    }
    if (json) {
      const changes = steps.map(({ type, path }) => ({ type, path }));
      terminal.out(JSON.stringify({ client: client.name, isDryRun, changes }, null, 2));
      return 0;
    }
    for (const { type, path } of steps) {
      const what =
        type === "remove" ? "removed" : type === "write" ? "as it was before" : "has no entry of ours any more";
      terminal.out(isDryRun ? `would be ${what}: ${path}` : `${terminal.paint("good", "✓")} ${path} ${what}`);
    }
    return 0;
  },
};
