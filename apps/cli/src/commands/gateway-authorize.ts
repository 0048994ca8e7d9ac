// `pratique gateway authorize`: logs in to a server behind the gateway.
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@pratique/client";
import type { BegunLogin } from "@pratique/contracts";
import { cliErrors } from "../errors.ts";
import type { Command, Context } from "../kit/command.ts";
import { openBrowser } from "../kit/open-browser.ts";

const POLL_MS = 500;

export const gatewayAuthorize: Command = {
  name: "gateway authorize",
  group: "set-up",
  summary: "log in to a server behind the gateway that asks for it",
  description:
    "Opens the login page of the server's authorization server, and waits until the browser is back. The tokens are kept " +
    "with the secrets, renewed by themselves, and shown to that server alone. Where the browser runs on another machine, " +
    "the address at which it ends can be pasted here.",
  usage: "<server>",
  minArgs: 1,
  flags: { "no-browser": { type: "boolean", summary: "print the address only" } },
  examples: ["pratique gateway authorize github", "pratique gateway authorize github --no-browser"],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const client = await context.client();
    const begun = await client.beginLogin(args[0] ?? "");
    const isOpened = flags["no-browser"] !== true && (await openBrowser(context, begun.page));
    if (context.json) terminal.note(JSON.stringify(begun));
    else {
      terminal.note(isOpened ? "Your browser shows the login page. If it does not, open:" : "Open this address:");
      terminal.note(`\n  ${begun.url}\n`);
    }
    await waitFor(client, begun, context);
    if (context.json) terminal.out(JSON.stringify({ server: begun.server, state: "done" }));
    else terminal.out(`${terminal.paint("good", "✓")} logged in to ${begun.server}`);
    return 0;
  },
};

async function waitFor(client: Client, { id, server }: BegunLogin, context: Context): Promise<void> {
  const pasted = process.stdin.isTTY && !context.json ? takePasted(client, context) : undefined;
  try {
    for (;;) {
      const { state, reason = "" } = await client.loginProgress(id);
      if (state === "done") return;
      if (state === "failed") throw cliErrors("login.failed", { server, reason });
      await delay(POLL_MS, undefined, { signal: context.interrupted });
    }
  } finally {
    pasted?.close();
  }
}

/** The address is a login's secret: it is not shown again, and goes nowhere but to the daemon. */
function takePasted(client: Client, { terminal }: Context): { close(): void } {
  terminal.note("Or paste the address at which it ends, and press Enter.");
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line.trim() === "") return;
    client.finishLogin(line.trim()).catch((error: unknown) => {
      terminal.note(error instanceof Error ? error.message : String(error));
    });
  });
  return lines;
}
