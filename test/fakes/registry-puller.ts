// A process that pulls one artifact and can be killed. By hand: `node test/fakes/registry-puller.ts STORE REFERENCE`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { silentLog, systemClock } from "@pratique/core";
import { copyArtifact, openContentStore, parseReference, remoteRepository } from "@pratique/oci";

export const PULLED = "pulled";

export interface Puller {
  /** kill -9 */
  kill(): void;
  /** True when it pulled everything. */
  readonly ended: Promise<boolean>;
}

export function startPuller(storeDirectory: string, reference: string): Puller {
  const child = spawn(process.execPath, [import.meta.filename, storeDirectory, reference], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return {
    kill: () => void child.kill("SIGKILL"),
    ended: once(child, "close").then(([code]) => code === 0),
  };
}

if (import.meta.main) {
  const [directory = "", text = ""] = process.argv.slice(2);
  const store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  const reference = parseReference(text, { registry: "localhost" });
  const retry = { firstDelayMs: 1, longestDelayMs: 5 };
  const remote = remoteRepository(reference, { insecure: true, retry });
  await copyArtifact(remote, store.repository(PULLED), reference.tag ?? "latest");
  await store.close();
}
