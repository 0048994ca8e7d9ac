// Starts a child that cannot outlive us: a watcher in its process group ends the group when our end of a pipe closes,
// which the kernel does even after kill -9.
import { spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";

/**
 * The watcher waits for the end of file descriptor 3. The main process is replaced by the command (`exec`), so its pid
 * is the group's id and cannot be given away while the watcher lives. "$@" keeps arguments as they are.
 */
const SCRIPT = `
( trap '' TERM
  read -r _ <&3
  kill -TERM -$$
  n=0
  while kill -0 $$ && [ $n -lt 20 ]; do /bin/sleep 0.1; n=$((n + 1)); done
  kill -KILL -$$
) >/dev/null 2>&1 &
exec "$@" 3<&-`;

/**
 * As above, and removes the containers that carry a label: before the service ends, and again after, since it may have
 * been making one. "$@" is the engine's command and global options. The configuration file may be gone by then, with
 * the directory that held it.
 */
const ENGINE_SCRIPT = `
address=$1 label=$2
shift 2
( trap '' TERM
  remove() { "$@" ps -aq --filter "label=$label" | while read -r id; do "$@" rm -f -t 0 "$id"; done; }
  read -r _ <&3
  unset CONTAINERS_CONF
  remove "$@"
  kill -TERM $$
  n=0
  while kill -0 $$ && [ $n -lt 20 ]; do /bin/sleep 0.1; n=$((n + 1)); done
  kill -KILL $$
  remove "$@"
  kill -KILL -$$
) >/dev/null 2>&1 &
exec "$@" system service --time=0 "$address" 3<&-`;

export type PipedChild = ChildProcessByStdio<Writable, Readable, Readable>;

interface SpawnOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Starts `command` without a shell's reading of its arguments, with piped streams. */
export function spawnWithLifeline(command: string, args: readonly string[], options: SpawnOptions): PipedChild {
  const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", command, ...args], {
    ...options,
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  endGroupWith(child);
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new TypeError("a piped child has its streams");
  return Object.assign(child, { stdin, stdout, stderr });
}

/** Starts a podman API service. Containers labelled `label` are removed when it ends with us. */
export function spawnEngineService(
  engine: readonly string[],
  service: { readonly address: string; readonly label: string },
  options: SpawnOptions,
): ChildProcess {
  const child = spawn("/bin/sh", ["-c", ENGINE_SCRIPT, "sh", service.address, service.label, ...engine], {
    ...options,
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  endGroupWith(child);
  return child;
}

/** Closes the lifeline: the group ends as if we had died. */
export function cutLifeline(child: ChildProcess): void {
  child.stdio[3]?.destroy();
}

/** The signal goes to the child and all that it started. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function endGroupWith(child: ChildProcess): void {
  child.stdio[3]?.on("error", () => undefined);
  child.once("exit", () => {
    signalGroup(child, "SIGKILL");
    cutLifeline(child);
  });
}
