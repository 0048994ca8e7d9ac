// Closes what was opened, the last first, whatever one of them says.
import type { Log } from "@pratique/core";

export async function closeAll(closers: readonly (() => Promise<void>)[], log: Log): Promise<void> {
  for (const close of closers.toReversed()) {
    await close().catch((error: unknown) => log.error("closing failed", { error: String(error) }));
  }
}
