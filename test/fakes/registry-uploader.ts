// A process that pushes one file and can be killed. By hand: `node test/fakes/registry-uploader.ts MEMORY FILE REFERENCE`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, stat } from "node:fs/promises";
import { systemClock } from "@pratique/core";
import { OpenUploads, parseReference, remoteRepository } from "@pratique/oci";

export interface Uploader {
  /** kill -9 */
  kill(): void;
  /** True when it pushed everything. */
  readonly ended: Promise<boolean>;
}

export function startUploader(memory: string, file: string, reference: string): Uploader {
  const child = spawn(process.execPath, [import.meta.filename, memory, file, reference], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return {
    kill: () => void child.kill("SIGKILL"),
    ended: once(child, "close").then(([code]) => code === 0),
  };
}

if (import.meta.main) {
  const [memory = "", file = "", text = ""] = process.argv.slice(2);
  const reference = parseReference(text, { registry: "localhost" });
  const retry = { firstDelayMs: 1, longestDelayMs: 5 };
  const uploads = new OpenUploads(memory, systemClock);
  const remote = remoteRepository(reference, { insecure: true, retry, uploads });
  await remote.putFile!({ sizeBytes: (await stat(file)).size, open: () => open(file, "r") });
}
