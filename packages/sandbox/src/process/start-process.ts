// The unisolated way: a plain child process. Only for what policy has let run so.
import { randomUUID } from "node:crypto";
import { sandboxErrors } from "../errors.ts";
import { DEFAULT_GRACE_MS, type Sandbox, type SandboxExit } from "../sandbox.ts";
import { within } from "../within.ts";
import { cutLifeline, signalGroup, spawnWithLifeline, type PipedChild } from "./lifeline.ts";

export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing of ours is passed on. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Starts a process with this environment and no more. It and all its children end with us. @throws `sandbox.start-failed` */
export async function startProcess(spec: ProcessSpec): Promise<Sandbox> {
  const child = spawnWithLifeline(spec.command, spec.args, { env: spec.env, cwd: spec.cwd });
  const exited = exitOf(child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => {
      reject(sandboxErrors("sandbox.start-failed", { name: spec.command, reason: cause.message }, { cause }));
    });
  });
  // A write after its end is told by `exited`, not by a crash of ours.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => undefined);
  return {
    id: String(child.pid ?? randomUUID()),
    name: spec.command,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    stop: ({ graceMs = DEFAULT_GRACE_MS } = {}) => stopChild(child, exited, graceMs),
  };
}

function exitOf(child: PipedChild): Promise<SandboxExit> {
  return new Promise((resolve) => {
    child.once("error", () => resolve({ code: -1, oomKilled: false }));
    child.once("exit", (code, signal) =>
      resolve({ code: code ?? (signal === "SIGKILL" ? 137 : 143), oomKilled: false }),
    );
  });
}

async function stopChild(child: PipedChild, exited: Promise<SandboxExit>, graceMs: number): Promise<void> {
  child.stdin.end();
  if (await within(exited, graceMs)) return;
  signalGroup(child, "SIGTERM");
  if (await within(exited, graceMs)) return;
  signalGroup(child, "SIGKILL");
  await exited;
  cutLifeline(child);
}
