// `pratique registry webhooks`: who is told of events, and what they are still to be told.
import type { Command } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

export const registryWebhooks: Command = {
  name: "registry webhooks",
  group: "account",
  summary: "show webhooks, and what they are still to be told",
  flags: { retry: { type: "boolean", summary: "tell again what was given up" } },
  examples: ["pratique registry webhooks", "pratique registry webhooks --retry"],
  async run({ flags, context }) {
    const { terminal } = context;
    const client = await context.client();
    if (flags["retry"] === true) {
      const { retried } = await client.retryWebhooks();
      if (!context.json) terminal.note(`${retried} to be told again`);
    }
    const webhooks = await client.webhooks();
    if (context.json) terminal.out(JSON.stringify({ webhooks }, null, 2));
    else if (webhooks.length === 0) terminal.note("no webhooks: registry.webhooks in pratique.yaml names them");
    else {
      terminal.out(
        columns([
          ["WEBHOOK", "ADDRESS", "WAITING", "GIVEN UP", "WHY"].map((title) => terminal.paint("dim", title)),
          ...webhooks.map(({ name, url, waiting, dead, lastError }) => [
            name,
            url,
            String(waiting),
            String(dead),
            lastError ?? "-",
          ]),
        ]),
      );
    }
    return 0;
  },
};
