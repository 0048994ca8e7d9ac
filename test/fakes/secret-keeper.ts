// A program that sets and gets one secret in a state directory, as the daemon does: `secret-keeper.ts HOME set VALUE`.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SecretsConfig } from "@pratique/contracts";
import { isPratiqueError, silentLog, systemClock } from "@pratique/core";
import { openSecrets } from "@pratique/secrets";
import { openDatabase } from "@pratique/store";

const [home = "", act = "", value = ""] = process.argv.slice(2);
await mkdir(home, { recursive: true, mode: 0o700 });
const database = await openDatabase({ file: join(home, "pratique.db") });
const config = SecretsConfig.parse({});
const secrets = await openSecrets({ config, home, table: database.secrets, clock: systemClock, log: silentLog });
try {
  if (act === "set") await secrets.set({ owner: "", name: "kept" }, Buffer.from(value));
  else process.stdout.write(`${(await secrets.get("kept", undefined))?.reveal()}\n`);
  process.stdout.write(`${(await secrets.keys()).type}\n`);
} catch (error) {
  process.stdout.write(`${isPratiqueError(error) ? `${error.code} ${error.message}` : String(error)}\n`);
  process.exitCode = 1;
}
await database.close();
