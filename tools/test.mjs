// `npm test`: sets everything up, runs every check and every test there is, and closes with one plain line.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeExecutable, root, run } from "./machine.mjs";

if (!run(process.execPath, [join(root, "tools", "setup.mjs"), "--test"])) process.exit(1);
const node = nodeExecutable();
const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
const given = process.argv.slice(2);

let failed = given.length === 0 && !run(node, [join(root, "tools", "check.mjs")], { env }) ? 1 : 0;
let passed = given.length === 0 && failed === 0 ? 1 : 0;
let skipped = 0;

const results = join(root, "node_modules", ".cache", "test-results.json");
mkdirSync(dirname(results), { recursive: true });
rmSync(results, { force: true });
const vitest = spawnSync(
  node,
  [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${results}`,
    ...given,
  ],
  { cwd: root, stdio: "inherit", env },
);
try {
  const report = JSON.parse(readFileSync(results, "utf8"));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped = report.numPendingTests + report.numTodoTests;
  // A file that cannot be loaded fails without a test of its own.
  if (report.numFailedTests === 0) failed += report.numFailedTestSuites;
} catch {
  failed += 1;
}
// A suite that breaks outside its tests (an unhandled rejection, a crash) fails the run as well.
if (vitest.status !== 0 && failed === 0) failed = 1;
if (process.env.CI === "true" && skipped > 0) {
  process.stderr.write(`\n${skipped} skipped: in CI everything must run\n`);
  failed += skipped;
  skipped = 0;
}
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(failed === 0 ? 0 : 1);
