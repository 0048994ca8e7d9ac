// A process that sets and rotates secrets until it is killed, and tells what was acknowledged.
import { join } from "node:path";
import { SecretsConfig } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { openSecrets } from "./open-secrets.ts";

const tell = (message: unknown): void => void process.send?.(message);

async function work(home: string): Promise<void> {
  const database = await openDatabase({ file: join(home, "pratique.db") });
  const secrets = await openSecrets({
    config: SecretsConfig.parse({ keys: { type: "file" } }),
    home,
    table: database.secrets,
    clock: systemClock,
    log: silentLog,
  });
  tell({ type: "opened" });
  for (let count = 0; ; count += 1) {
    const name = `secret-${count % 5}`;
    const value = `value ${process.pid} ${count}`;
    const { version } = await secrets.set({ owner: "", name }, Buffer.from(value));
    tell({ type: "set", name, version, value });
    if (count % 3 === 2) {
      tell({ type: "rotating" });
      await secrets.rotate();
      tell({ type: "rotated" });
    }
  }
}

process.on("message", (home) => void work(String(home)));
