// The process that `crash.test.ts` kills: opens a log, appends without end, and tells its parent what was acknowledged.
import { join } from "node:path";
import { silentLog, systemClock } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { openAuditLog } from "./audit-log.ts";
import { bodyOf } from "./log.fixture.ts";
import { openLogKey } from "./log-key.ts";

const APPENDERS = 8;

async function appendForever(root: string): Promise<void> {
  tell({ type: "opening" });
  const database = await openDatabase({ file: join(root, "db.sqlite") });
  const key = await openLogKey(join(root, "log.pem"), "pratique.local/log");
  const log = await openAuditLog({
    directory: join(root, "log"),
    key,
    database,
    clock: systemClock,
    log: silentLog,
    // As often as can be, so that many kills fall into a publication.
    later: (task) => {
      const immediate = setImmediate(task);
      return () => clearImmediate(immediate);
    },
  });
  tell({ type: "opened", size: log.size(), vkey: key.vkey });
  await Promise.all(
    Array.from({ length: APPENDERS }, async () => {
      for (;;) {
        const { id, sequence } = await log.append(bodyOf(log.size()));
        tell({ type: "acknowledged", id, sequence });
      }
    }),
  );
}

function tell(message: object): void {
  process.send?.(message);
}

process.once("message", (root) => void appendForever(String(root)));
