// The official MCP conformance suite as a program, and what it says.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type Revision = "2025-11-25" | "2026-07-28";

export interface SuiteResult {
  /** Scenarios that count, by outcome; those outside of the revision's set are in `other`. */
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly other: Readonly<Record<string, boolean>>;
  readonly output: string;
}

const SUITE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/package.json"));

/** Runs the set of a revision against a server. */
export async function runServerSet(url: string, revision: Revision): Promise<SuiteResult> {
  return await runSet(["server", "--url", url, "--requirements", revision]);
}

/** Runs the set of a revision against a client: a command that gets the address of a server as its last argument. */
export async function runClientSet(command: string, revision: Revision): Promise<SuiteResult> {
  // All scenarios run at once, and on a busy machine each takes its time.
  return await runSet(["client", "--command", command, "--requirements", revision, "--timeout", "120000"]);
}

async function runSet(args: readonly string[]): Promise<SuiteResult> {
  const program = join(SUITE, "..", "dist", "index.js");
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  await new Promise((resolve) => child.on("close", resolve));
  return readOutput(output);
}

/** The summary names every scenario; what does not count is named again below it, with the reason. */
function readOutput(output: string): SuiteResult {
  const summary = output.slice(output.search(/=== (?:SUITE )?SUMMARY ===/));
  const [counted = "", rest = ""] = summary.split("\nNot scored");
  const other = Object.fromEntries(
    [...rest.matchAll(/^\s+([✓✗]) (\S+) \(/gm)].map(([, mark, name]) => [name!, mark === "✓"]),
  );
  const scenarios = [...counted.matchAll(/^([✓✗]) (\S+): /gm)].filter(([, , name]) => !Object.hasOwn(other, name!));
  const of = (mark: string) => scenarios.filter((found) => found[1] === mark).map((found) => found[2]!);
  return { passed: of("✓"), failed: of("✗"), other, output };
}
