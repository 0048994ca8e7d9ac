// `npm run bench`: measures, side by side with what it is compared with, and prints tables. `npm run bench -- NAME` runs one.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { nodeExecutable, root, run } from "./machine.mjs";

if (!run(process.execPath, [join(root, "tools", "setup.mjs")])) process.exit(1);
const wanted = process.argv.slice(2);
const programs = readdirSync(join(root, "bench"))
  .filter((name) => name.endsWith(".bench.ts"))
  .filter((name) => wanted.length === 0 || wanted.some((word) => name.startsWith(word)));
let failed = 0;
for (const program of programs) if (!run(nodeExecutable(), [join(root, "bench", program)])) failed++;
process.exit(failed === 0 ? 0 : 1);
