// `pratique secret ls`: which secrets there are, and where their keys lie.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const secretLs: Command = {
  name: "secret ls",
  group: "set-up",
  summary: "list secrets, without their values, and say where their keys lie",
  maxArgs: 0,
  examples: ["pratique secret ls", "pratique secret ls --json"],
  async run({ context }) {
    const { terminal } = context;
    const answer = await (await context.client()).secrets();
    if (context.json) {
      terminal.out(JSON.stringify(answer, null, 2));
      return 0;
    }
    const { keys, sources, secrets } = answer;
    if (secrets.length === 0) terminal.out("no secrets; pratique secret set NAME keeps one");
    else {
      terminal.out(
        columns([
          ["NAME", "WHOSE", "VERSION", "SET", "FOR"].map((title) => terminal.paint("dim", title)),
          ...secrets.map(({ name, scope, version, updatedAt, description }) => [
            name,
            scope === "user" ? "yours" : "shared",
            String(version),
            updatedAt.slice(0, 16).replace("T", " "),
            description ?? "",
          ]),
        ]),
      );
    }
    terminal.note(`keys: ${keys.type}, ${keys.place}`);
    if (keys.elsewhere > 0) {
      terminal.note(`${keys.elsewhere} values lie under a former back end: pratique secret rotate moves them`);
    }
    for (const source of sources) terminal.note(`also read from ${source.place}`);
    return 0;
  },
};
