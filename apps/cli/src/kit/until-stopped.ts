// Stays until the process is asked to stop.
import { Socket } from "node:net";
import type { Context } from "./command.ts";

/** Resolves at Ctrl-C or SIGTERM. When the launcher behind this process is killed, this process goes the same way. */
export async function untilStopped(context: Context): Promise<void> {
  const timer = setInterval(() => undefined, 1 << 30);
  try {
    await new Promise<void>((resolve) => {
      if (context.interrupted.aborted) resolve();
      else context.interrupted.addEventListener("abort", () => resolve(), { once: true });
    });
  } finally {
    clearInterval(timer);
  }
}

/** Dies with the launcher: see bin/pratique.mjs. */
export function followLauncher(environment: Readonly<Record<string, string | undefined>>): void {
  const descriptor = Number(environment["PRATIQUE_LAUNCHER_PIPE"]);
  if (!Number.isInteger(descriptor) || descriptor < 3) return;
  const pipe = new Socket({ fd: descriptor });
  const die = () => process.kill(process.pid, "SIGKILL");
  pipe.on("end", die).on("error", die);
  // It must not keep alive a process that has nothing else to do.
  pipe.unref();
  pipe.resume();
}
