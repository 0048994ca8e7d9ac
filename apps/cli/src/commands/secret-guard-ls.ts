// `pratique secret-guard ls`: what was let through.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const secretGuardLs: Command = {
  name: "secret-guard ls",
  group: "set-up",
  summary: "list what was let through the secret guard: by whom, when, why",
  examples: ["pratique secret-guard ls"],
  async run({ context }) {
    const { terminal, json } = context;
    const allowances = await (await context.client()).shield.allowances();
    if (json) terminal.out(JSON.stringify({ allowances }, null, 2));
    else if (allowances.length === 0) terminal.note("nothing was let through");
    else terminal.out(columns(allowances.map(({ fingerprint, by, at, reason }) => [fingerprint, by, at, reason])));
    return 0;
  },
};
