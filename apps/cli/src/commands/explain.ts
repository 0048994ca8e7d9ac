// `pratique explain`: what an error code means.
import { clientErrors } from "@pratique/client";
import type { ErrorDefinition } from "@pratique/core";
import { cliErrors } from "../errors.ts";
import type { Command } from "../kit/command.ts";
import { nearest } from "../kit/suggest.ts";

export const explain: Command = {
  name: "explain",
  group: "set-up",
  summary: "explain an error code",
  usage: "<code>",
  minArgs: 1,
  examples: ["pratique explain artifact.not-found"],
  async run({ args, context }) {
    const { errorTables } = await import("@pratique/app-daemon");
    const tables = [...errorTables(), clientErrors, cliErrors];
    const all = Object.assign({}, ...tables.map((table) => table.definitions)) as Record<string, ErrorDefinition>;
    const code = args[0]!;
    const definition = all[code];
    if (definition === undefined) {
      const close = nearest(code, Object.keys(all));
      throw cliErrors("cli.unknown-code", { code }, close === undefined ? {} : { hint: `did you mean ${close}?` });
    }
    if (context.json) context.terminal.out(JSON.stringify({ code, ...definition }, null, 2));
    else
      context.terminal.out(
        [
          `${code}  (HTTP ${definition.status})`,
          `  ${definition.text}`,
          ...(definition.hint === undefined ? [] : [`  try  ${definition.hint}`]),
        ].join("\n"),
      );
    return 0;
  },
};
