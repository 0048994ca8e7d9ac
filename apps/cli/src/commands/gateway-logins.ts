// `pratique gateway logins`: to which servers somebody is logged in.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const gatewayLogins: Command = {
  name: "gateway logins",
  group: "set-up",
  summary: "list logins to servers behind the gateway",
  maxArgs: 0,
  examples: ["pratique gateway logins", "pratique gateway logins --json"],
  async run({ context }) {
    const { terminal } = context;
    const logins = await (await context.client()).logins();
    if (context.json) terminal.out(JSON.stringify({ logins }, null, 2));
    else if (logins.length === 0) terminal.out("no logins; pratique gateway authorize SERVER makes one");
    else {
      terminal.out(
        columns([
          ["SERVER", "WHOSE", "ISSUER", "TOKEN", "SCOPES"].map((title) => terminal.paint("dim", title)),
          ...logins.map(({ server, scope, issuer, isRenewable, expiresAt, scopes }) => [
            server,
            scope === "user" ? "yours" : "shared",
            issuer,
            isRenewable ? "renewed by itself" : expiresAt === undefined ? "does not end" : `until ${expiresAt}`,
            scopes ?? "-",
          ]),
        ]),
      );
    }
    return 0;
  },
};
