// `pratique registry events`: what happened in the registry, and what happens.
import type { NumberedEvent } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { usageError } from "../kit/run-command.ts";
import { columns } from "../kit/terminal.ts";

export const registryEvents: Command = {
  name: "registry events",
  group: "account",
  summary: "show what happened in the registry",
  flags: {
    follow: { type: "boolean", short: "f", summary: "go on as events come, until Ctrl-C" },
    after: { type: "string", value: "N", summary: "only events after this number" },
    limit: { type: "string", value: "N", summary: "how many (default 20)" },
  },
  examples: ["pratique registry events", "pratique registry events -f", "pratique registry events --after 120 --json"],
  async run({ flags, context }) {
    const { terminal } = context;
    const client = await context.client();
    const limit = numberFlag(textFlag(flags, "limit"), "--limit") ?? 20;
    const after = numberFlag(textFlag(flags, "after"), "--after");
    const events = await client.events({ limit, ...(after === undefined ? {} : { after }) });
    if (context.json && flags["follow"] !== true) {
      terminal.out(JSON.stringify({ events }, null, 2));
      return 0;
    }
    const show = (list: readonly NumberedEvent[]) => {
      if (list.length > 0) terminal.out(context.json ? list.map((one) => JSON.stringify(one)).join("\n") : table(list));
    };
    show(events);
    if (flags["follow"] !== true) {
      if (events.length === 0) terminal.note("no events");
      return 0;
    }
    try {
      for await (const event of client.followEvents(events.at(-1)?.sequence ?? after, context.interrupted))
        show([event]);
    } catch (error) {
      if (!context.interrupted.aborted) throw error;
    }
    return 0;
  },
};

function numberFlag(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw usageError(`${flag} is a whole number`, `write it as ${flag} 20`);
  return Number(text);
}

function table(events: readonly NumberedEvent[]): string {
  return columns(
    events.map(({ sequence, event: { time, type, subject, data } }) => {
      const { principal } = data;
      const name =
        typeof principal === "object" && principal !== null && !Array.isArray(principal)
          ? (principal["name"] ?? principal["id"])
          : undefined;
      return [
        String(sequence).padStart(5),
        time.replace(/\.\d+Z$/, "Z"),
        type.replace(/^dev\.pratique\.registry\./, ""),
        (subject ?? "-").replace(/(@sha(?:256|512):[0-9a-f]{12})[0-9a-f]+$/, "$1"),
        typeof name === "string" ? name : "-",
      ];
    }),
  );
}
