// `pratique audit tail`: the newest records, and those to come.
import type { AuditRecord } from "@pratique/contracts";
import { textFlag, type Command } from "../kit/command.ts";
import { recordTable } from "../kit/records.ts";
import { usageError } from "../kit/run-command.ts";

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
      throw usageError("--limit is a number from 1 to 10000", "the default is 20");
    }
    const filter = { run: textFlag(flags, "run"), decision: flags["denied"] === true ? "deny" : undefined };
    const show = (list: readonly AuditRecord[]) => {
      if (list.length === 0) return;
      terminal.out(
        context.json ? list.map((record) => JSON.stringify(record)).join("\n") : recordTable(terminal, list),
      );
    };
    const records = await client.records({ ...filter, limit });
    if (context.json && flags["follow"] !== true) {
      terminal.out(JSON.stringify({ records }, null, 2));
      return 0;
    }
    show(records);
    if (flags["follow"] !== true) {
      if (records.length === 0) terminal.note("no such records");
      return 0;
    }
    const last = records.at(-1)?.sequence ?? -1;
    try {
      for await (const record of client.followRecords({ ...filter, after: last }, context.interrupted)) show([record]);
    } catch (error) {
      if (!context.interrupted.aborted) throw error;
    }
    return 0;
  },
};
