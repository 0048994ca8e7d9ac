// Runs a system command for packaging: no shell, no input, bounded output, a deadline.
import { execFile } from "node:child_process";
import type { RunCommand } from "@pratique/packaging";

const ENVIRONMENT = [
  "PATH",
  "HOME",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "TMPDIR",
];

/** Makes the command port; the child sees the locale C and a short list of variables. */
export function commandRunner(environment: Readonly<Record<string, string | undefined>>): RunCommand {
  const env = Object.fromEntries(
    ENVIRONMENT.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
  return (command, args, options) =>
    new Promise((resolve, reject) => {
      const child = execFile(
        command,
        [...args],
        {
          ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
          encoding: "buffer",
          maxBuffer: options.maxOutputBytes,
          timeout: options.timeoutMs,
          killSignal: "SIGKILL",
          env: { ...env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
        },
        (error, stdout, stderr) => {
          const code = child.exitCode;
          if (error !== null && (typeof error.code === "string" || child.signalCode !== null || code === null))
            return reject(error);
          resolve({ code: code ?? 0, stdout, stderr: stderr.toString("utf8") });
        },
      );
      child.stdin?.end();
    });
}
