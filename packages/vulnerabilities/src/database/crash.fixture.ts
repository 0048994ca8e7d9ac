// The process that `crash.test.ts` kills: imports one dump after another, and tells its parent what is done.
import { join } from "node:path";
import { systemClock } from "@pratique/core";
import { importPath } from "../import/import-path.ts";
import { openAdvisoryDatabase } from "./advisory-database.ts";

async function importForever(root: string): Promise<void> {
  const database = await openAdvisoryDatabase(join(root, "advisories.db"), { clock: systemClock });
  for (let round = 0; ; round += 1) {
    process.send?.({ type: "importing" });
    const path = join(root, round % 2 === 0 ? "even" : "odd");
    await importPath(database, path, { clock: systemClock, replace: true, older: true });
    process.send?.({ type: "imported", version: database.version });
  }
}

process.once("message", (root) => void importForever(String(root)));
