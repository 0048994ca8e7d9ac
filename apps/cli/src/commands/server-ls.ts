// `pratique server ls`: the servers behind the gateway, and how they fare.
import type { RunningServer } from "@pratique/contracts";
import type { Command } from "../kit/command.ts";
import { columns, type Tone } from "../kit/terminal.ts";
import { shortDigest } from "../kit/words.ts";

export const SERVER_TONES: Readonly<Record<RunningServer["state"], Tone>> = {
  idle: "dim",
  starting: "warn",
  ready: "good",
  failed: "bad",
  stopped: "dim",
};

export const serverLs: Command = {
  name: "server ls",
  group: "everyday",
  summary: "list the servers behind the gateway, and how they fare",
  description: "An idle server starts when it is used. What it says of itself: pratique server logs NAME.",
  examples: ["pratique server ls", "pratique server ls --json"],
  async run({ context }) {
    const { terminal } = context;
    const servers = await (await context.client()).servers();
    if (context.json) {
      terminal.out(JSON.stringify({ servers }, null, 2));
      return 0;
    }
    if (servers.length === 0) {
      terminal.out("no servers; pratique server add NAME REFERENCE adds one");
      return 0;
    }
    terminal.out(
      columns([
        ["SERVER", "STATE", "TOOLS", "PROCESSES", "FROM"].map((title) => terminal.paint("dim", title)),
        ...servers.map((server) => [
          server.name,
          terminal.paint(SERVER_TONES[server.state], server.state),
          String(server.tools),
          server.processes.map(({ id, user }) => (user === undefined ? id : `${id} (${user})`)).join(" ") || "none",
          [shortReference(server.reference ?? ""), server.error ?? ""].filter((text) => text !== "").join("  "),
        ]),
      ]),
    );
    return 0;
  },
};

/** With as much of its digest as tells it from others; `--json` has all of it. */
function shortReference(reference: string): string {
  const at = reference.indexOf("@");
  return at < 0 ? reference : `${reference.slice(0, at)}@${shortDigest(reference.slice(at + 1))}`;
}
