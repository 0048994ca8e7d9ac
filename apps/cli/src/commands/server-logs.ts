// `pratique server logs`: what a server said last on its standard error.
import type { Command } from "../kit/command.ts";

export const serverLogs: Command = {
  name: "server logs",
  group: "everyday",
  summary: "show what a server said last on its standard error",
  description: "The last 1,000 lines, kept in memory, without secrets.",
  usage: "<name>",
  minArgs: 1,
  maxArgs: 1,
  examples: ["pratique server logs weather"],
  async run({ args, context }) {
    const { terminal } = context;
    const log = await (await context.client()).serverLog(args[0] ?? "");
    if (context.json) {
      terminal.out(JSON.stringify(log, null, 2));
      return 0;
    }
    for (const { time, process, text } of log.lines) {
      terminal.out(`${terminal.paint("dim", `${time} ${process}`)}  ${text}`);
    }
    if (log.lines.length === 0) terminal.note("it has said nothing since the daemon started");
    return 0;
  },
};
