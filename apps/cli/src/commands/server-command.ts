// `pratique server start|stop|restart`: what happens with one server.
import type { ServerCommand } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";

function serverCommand(act: ServerCommand["do"], done: string, summary: string, description: string): Command {
  return {
    name: `server ${act}`,
    group: "everyday",
    summary,
    description,
    usage: "<name>",
    minArgs: 1,
    maxArgs: 1,
    examples: [`pratique server ${act} weather`],
    async run({ args, context }) {
      const { terminal } = context;
      const server = await (await context.client()).commandServer(args[0] ?? "", { do: act });
      if (context.json) terminal.out(JSON.stringify(server, null, 2));
      else terminal.out(`${terminal.paint("good", "✓")} ${server.name} ${done}`);
      return 0;
    },
  };
}

export const serverStart = serverCommand(
  "start",
  "is behind the gateway",
  "put a stopped server behind the gateway again",
  "Its process starts when it is used.",
);
export const serverStop = serverCommand(
  "stop",
  "is stopped",
  "end a server's processes and take it from behind the gateway",
  "Its tools are gone until pratique server start NAME, or the next start of the daemon.",
);
export const serverRestart = serverCommand(
  "restart",
  "is behind the gateway with new processes",
  "end a server's processes; new ones start when it is used",
  "New processes get the secrets as they are now.",
);
