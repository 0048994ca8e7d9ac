// Runs a system command to its end: no shell, no input, bounded in output and time.
import { spawn } from "node:child_process";
import { readBounded } from "@pratique/core";
import { sandboxErrors } from "../errors.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly maxOutputBytes: number;
  readonly timeoutMs: number;
  /** Added to the fixed environment, for example the machine's proxies. */
  readonly env?: Readonly<Record<string, string>>;
}

const STDERR_LIMIT = 64 * 1024;
/** System tools are found here, in a fixed locale, so that what they print can be read. */
const ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C.UTF-8",
  LANG: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
};

/** @throws `command.failed` when it cannot be started, writes too much, takes too long or is killed */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { maxOutputBytes, timeoutMs, cwd, env } = options;
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env, ...ENVIRONMENT },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", (cause) => reject(failed(`cannot be started: ${cause.message}`, cause)));
    child.once("close", (code, signal) => {
      if (code !== null) resolve(code);
      else
        reject(
          failed(signal === "SIGKILL" ? `was killed (it may take ${timeoutMs} ms at most)` : `ended by ${signal}`),
        );
    });
  });
  const failed = (reason: string, cause?: unknown): Error =>
    sandboxErrors("command.failed", { command, reason }, cause === undefined ? {} : { cause });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT);
  });
  try {
    const [code, stdout] = await Promise.all([
      ended,
      readBounded(child.stdout, maxOutputBytes, `the output of ${command}`),
    ]);
    return { code, stdout, stderr };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
