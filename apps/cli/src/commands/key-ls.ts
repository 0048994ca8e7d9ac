// `pratique key ls`: the keys that sign.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const keyLs: Command = {
  name: "key ls",
  group: "artifacts",
  summary: "list the keys that sign",
  maxArgs: 0,
  examples: ["pratique key ls", "pratique key ls --json"],
  async run({ context }) {
    const { terminal } = context;
    const keys = await (await context.client()).signingKeys();
    if (context.json) terminal.out(JSON.stringify({ keys }, null, 2));
    else {
      terminal.out(
        columns([
          ["NAME", "TYPE", "WHERE", "ID"].map((title) => terminal.paint("dim", title)),
          ...keys.map(({ name, algorithm, where, keyId }) => [name, algorithm ?? "-", where, keyId ?? "-"]),
        ]),
      );
    }
    return 0;
  },
};
