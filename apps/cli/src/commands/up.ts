// `pratique up`: starts the daemon in this process.
import { existsSync } from "node:fs";
import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";
import { textFlag, type Command } from "../kit/command.ts";
import { followLauncher, untilStopped } from "../kit/until-stopped.ts";

export const up: Command = {
  name: "up",
  group: "everyday",
  summary: "start the daemon, and stay until Ctrl-C",
  flags: {
    listen: {
      type: "string",
      value: "HOST:PORT",
      summary: "address (default 127.0.0.1:7340; port 0 takes any free one)",
    },
  },
  examples: ["pratique up", "pratique up --home /srv/pratique --listen 127.0.0.1:8000"],
  async run({ flags, context }) {
    followLauncher(context.environment);
    const { terminal } = context;
    const listen = textFlag(flags, "listen");
    keepCompiled(context.home);
    // Loaded here, so that `pratique help` does not load a daemon.
    const { startDaemon } = await import("@pratique/app-daemon");
    const daemon = await startDaemon({
      home: context.home,
      ...(listen === undefined ? {} : { listen }),
      environment: context.environment,
      writeLog: (line) => terminal.note(line.trimEnd()),
    });
    flushCompileCache();
    if (context.json) terminal.out(JSON.stringify({ url: daemon.url, home: daemon.home, pid: process.pid }));
    else
      terminal.out(
        `Pratique is up at ${daemon.url}\n  console  ${daemon.consoleLink()}\n  home     ${daemon.home}\n  stop     Ctrl-C`,
      );
    await untilStopped(context);
    await daemon.close();
    return 0;
  },
};

/** Compiling the daemon is a quarter of its start. Only in a home that is there, since the daemon sets its modes. */
function keepCompiled(home: string): void {
  const cache = join(home, "cache");
  if (existsSync(cache)) enableCompileCache(join(cache, "compile"));
}
