// Runs the program as a user does: `node bin/pratique.mjs …`, in a process of its own, with a state directory of its own.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openClient, type Client } from "@pratique/client";

export const ROOT = resolve(import.meta.dirname, "..", "..");
export const EXAMPLES = join(ROOT, "examples", "voyage");
const BIN = join(ROOT, "bin", "pratique.mjs");

/** A state directory; short, since Unix sockets lie in it. */
export async function temporaryHome(): Promise<{ home: string; remove: () => Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), "prq-"));
  return { home, remove: () => rm(home, { recursive: true, force: true }) };
}

/** The test's environment without what would point at a developer's own daemon. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => !name.startsWith("PRATIQUE_") && value !== undefined,
  );
  return { ...(Object.fromEntries(kept) as Record<string, string>), NO_COLOR: "1", ...extra };
}

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON. */
  json<T>(): T;
}

interface ProgramOptions {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a command to its end. */
export function pratique(args: readonly string[], options: ProgramOptions): Promise<Result> {
  return finished(startProgram(args, options));
}

/** Starts a command and leaves it to the test. */
export function startProgram(args: readonly string[], options: ProgramOptions): ChildProcess {
  return spawn(process.execPath, [BIN, ...args, "--home", options.home], {
    cwd: options.cwd ?? ROOT,
    env: cleanEnvironment(options.env),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export function finished(child: ChildProcess): Promise<Result> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, stdout, stderr, json: <T>() => JSON.parse(stdout) as T }));
  });
}

export interface Daemon {
  readonly url: string;
  readonly process: ChildProcess;
  readonly client: Client;
  readonly token: string;
  /** Everything it wrote to standard error so far. */
  log(): string;
  /** SIGTERM, and waits. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits. */
  kill(): Promise<void>;
}

/** Starts `pratique up` on a free port and waits until it says that it is up. */
export async function startDaemon(
  home: string,
  options: { env?: Readonly<Record<string, string>>; listen?: string } = {},
): Promise<Daemon> {
  const child = spawn(
    process.execPath,
    [BIN, "up", "--json", "--home", home, "--listen", options.listen ?? "127.0.0.1:0"],
    {
      cwd: ROOT,
      env: cleanEnvironment(options.env),
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = new Promise<number | null>((done) => child.on("close", (code) => done(code)));
  const first = await Promise.race([firstLine(child), exited.then(() => undefined)]);
  if (first === undefined) throw new Error(`the daemon did not start:\n${log}`);
  const { url } = JSON.parse(first) as { url: string };
  const token = (await readFile(join(home, "token"), "utf8")).trim();
  return {
    url,
    process: child,
    token,
    client: openClient({ url, token }),
    log: () => log,
    stop: () => {
      child.kill("SIGTERM");
      return exited;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  let text = "";
  return new Promise((done) => {
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) done(text.split("\n")[0]!);
    });
  });
}
