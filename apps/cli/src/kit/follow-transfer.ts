// Follows a transfer: bars on a terminal, and its result.
import type { Client } from "@pratique/client";
import type { PackResult, TransferEvent, TransferOrder, TransferResult } from "@pratique/contracts";
import { PratiqueError } from "@pratique/core";
import type { Context } from "./command.ts";
import { ProgressBars } from "./progress-bars.ts";

/** Moves and shows it, unless output is for a program. Ctrl-C ends it; asked again, it goes on. */
export function followMove(context: Context, client: Client, order: TransferOrder): Promise<TransferResult> {
  return follow(context, client, order, (event) => (event.type === "moved" ? event.result : undefined));
}

/** The same for what is packed. */
export function followPack(context: Context, client: Client, order: TransferOrder): Promise<PackResult> {
  return follow(context, client, order, (event) => (event.type === "packed" ? event.result : undefined));
}

async function follow<T>(
  context: Context,
  client: Client,
  order: TransferOrder,
  resultOf: (event: TransferEvent) => T | undefined,
): Promise<T> {
  const bars = context.terminal.interactive && !context.json ? new ProgressBars(context.terminal) : undefined;
  try {
    for await (const event of client.transfer(order, context.interrupted)) {
      if (event.type === "progress") bars?.show(event);
      if (event.type === "step" && bars !== undefined) {
        bars.clear();
        context.terminal.note(`  ${event.text}`);
      }
      if (event.type === "failed") throw errorOf(event);
      const result = resultOf(event);
      if (result !== undefined) return result;
    }
  } finally {
    bars?.clear();
  }
  throw errorOf({ problem: { code: "daemon.connection-lost", title: "the daemon went away", status: 503 } });
}

function errorOf({
  problem,
}: {
  problem: { code: string; title: string; status: number; hint?: string | undefined };
}): Error {
  const { code, title, status, hint } = problem;
  return new PratiqueError({ code, message: title, status, hint });
}
