// `pratique audit tail`: the newest records, and those to come.
import { setTimeout as delay } from "node:timers/promises";
import { PratiqueError } from "@pratique/core";
import { textFlag, type Command } from "../kit/command.ts";
import { recordTable } from "../kit/records.ts";

const POLL_MS = 500;

export const auditTail: Command = {
  name: "audit tail",
  group: "account",
  summary: "show the newest records",
  flags: {
    follow: { type: "boolean", short: "f", summary: "go on as records come, until Ctrl-C" },
    run: { type: "string", value: "ID", summary: "only the records of one run" },
    denied: { type: "boolean", summary: "only denials" },
    limit: { type: "string", value: "N", summary: "how many (default 20)" },
  },
  examples: ["pratique audit tail --denied", "pratique audit tail --run ID --json", "pratique audit tail -f"],
  async run({ flags, context }) {
    const { terminal } = context;
    const client = await context.client();
    const limit = Number(textFlag(flags, "limit") ?? 20);
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
      throw new PratiqueError({ code: "cli.bad-value", message: "--limit is a number from 1 to 10000", status: 400 });
    }
    const filter = { run: textFlag(flags, "run"), decision: flags["denied"] === true ? "deny" : undefined };
    const show = (records: Awaited<ReturnType<typeof client.records>>) => {
      if (records.length === 0) return;
      terminal.out(
        context.json ? records.map((record) => JSON.stringify(record)).join("\n") : recordTable(terminal, records),
      );
    };
    let records = await client.records({ ...filter, limit });
    if (context.json && flags["follow"] !== true) {
      terminal.out(JSON.stringify({ records }, null, 2));
      return 0;
    }
    show(records);
    let last = records.at(-1)?.sequence ?? -1;
    while (flags["follow"] === true && !context.interrupted.aborted) {
      await delay(POLL_MS, undefined, { signal: context.interrupted }).catch(() => undefined);
      if (context.interrupted.aborted) break;
      records = await client.records({ ...filter, after: last, limit: 1000 });
      show(records);
      last = records.at(-1)?.sequence ?? last;
    }
    return 0;
  },
};
