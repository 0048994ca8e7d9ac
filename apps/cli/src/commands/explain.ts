// `pratique explain`: what an error code means.
import { PratiqueError } from "@pratique/core";
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
    const all = Object.assign({}, ...errorTables().map((table) => table.definitions)) as Record<
      string,
      { status: number; text: string; hint?: string }
    >;
    const code = args[0]!;
    const definition = all[code];
    if (definition === undefined) {
      const close = nearest(code, Object.keys(all));
      throw new PratiqueError({
        code: "cli.unknown-code",
        message: `there is no error code \`${code}\``,
        hint: close === undefined ? "docs/reference/errors.md lists them" : `did you mean ${close}?`,
        status: 404,
      });
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
