// `npm run conformance -- --source DIR`: the official OCI distribution-spec suite against a daemon of its own. Needs Go.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { nodeExecutable, root, run } from "./machine.mjs";

/**
 * The suite's own defaults for the released version and for the one to come. Both leave sparse manifests off, which a
 * registry may refuse (distribution-spec 1.1, "Pushing Manifests"): we take sparse indexes and refuse sparse images.
 */
const PROFILES = ["1.1", "dev"];
const REPOSITORY = "https://github.com/opencontainers/distribution-spec";

const { values } = parseArgs({
  options: { source: { type: "string" }, results: { type: "string" }, filter: { type: "string" } },
});
const work = mkdtempSync(join(tmpdir(), "prq-conformance-"));
let failed = 1;
try {
  failed = await main();
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);

/** Returns how many cases failed in all profiles together. */
async function main() {
  const source = values.source === undefined ? clone() : resolve(values.source);
  const suite = existsSync(join(source, "conformance")) ? join(source, "conformance") : source;
  const program = join(work, "conformance");
  if (!run("go", ["build", "-o", program, "."], { cwd: suite })) {
    throw new Error("the suite cannot be built: it needs Go 1.24 or newer (apt-get install -y golang-go)");
  }
  if (!run(process.execPath, [join(root, "tools", "build.mjs")])) throw new Error("the daemon cannot be built");
  let sum = 0;
  for (const profile of PROFILES) {
    const counts = await runProfile(program, profile);
    const line = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
    process.stdout.write(`conformance ${profile}: ${line.join(", ")}\n`);
    sum += counts.failed;
  }
  return sum;
}

function clone() {
  const target = join(work, "source");
  if (run("git", ["clone", "--quiet", "--depth", "1", REPOSITORY, target])) return target;
  throw new Error(`cannot clone ${REPOSITORY}; give a copy of it: npm run conformance -- --source DIR`);
}

/** Runs all workflows of one profile against a fresh daemon. */
async function runProfile(program, profile) {
  const home = mkdtempSync(join(work, "home-"));
  const results = resolve(values.results ?? work, profile);
  mkdirSync(results, { recursive: true });
  const bin = join(root, "bin", "pratique.mjs");
  const daemon = spawn(nodeExecutable(), [bin, "up", "--json", "--home", home, "--listen", "127.0.0.1:0"]);
  daemon.stderr.pipe(process.stderr);
  const ended = new Promise((done) => daemon.on("close", done));
  try {
    const url = await addressOf(daemon);
    await runSuite(program, {
      OCI_VERSION: profile,
      OCI_REGISTRY: new URL(url).host,
      OCI_TLS: "disabled",
      OCI_USERNAME: "owner",
      OCI_PASSWORD: readFileSync(join(home, "token"), "utf8").trim(),
      OCI_RESULTS_DIR: results,
      ...(values.filter === undefined ? {} : { OCI_FILTER_TEST: values.filter }),
    });
  } finally {
    daemon.kill("SIGTERM");
    await ended;
  }
  return countCases(readFileSync(join(results, "junit.xml"), "utf8"), profile);
}

function addressOf(daemon) {
  let text = "";
  return new Promise((done, fail) => {
    daemon.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) done(JSON.parse(text.slice(0, text.indexOf("\n"))).url);
    });
    daemon.on("close", () => fail(new Error("the daemon did not start")));
  });
}

/** The suite's exit code says no more than its results, which are counted. */
function runSuite(program, env) {
  return new Promise((done, fail) => {
    const child = spawn(program, [], {
      cwd: work,
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "inherit"],
    });
    child.on("error", fail);
    child.on("close", done);
  });
}

/** Leaf cases by status. An empty result is a failure: nothing was asked. */
function countCases(xml, profile) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, name, status] of xml.matchAll(/<testcase name="([^"]*)"[^>]* status="(\w+)"/g)) {
    if (status === "passed" || status === "skipped") counts[status] += 1;
    else {
      counts.failed += 1;
      process.stdout.write(`  ${profile} failed: ${name}\n`);
    }
  }
  if (counts.passed === 0) counts.failed += 1;
  return counts;
}
