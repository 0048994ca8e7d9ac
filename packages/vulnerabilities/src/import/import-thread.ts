// A thread for one import: it reads, writes and commits beside whoever answers requests.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { SourceImport } from "@pratique/contracts";
import { vulnerabilityErrors } from "../errors.ts";
import { errorOf, runImport, type ImportAnswer, type ImportTask } from "./import-task.ts";

/** Of its heap: Debian's document takes some 500 MB. A dump that needs more ends the thread, not the process. */
const MAX_HEAP_MB = 2048;
const HOST = "import-host";

/**
 * Imports in a thread. Aborting ends the thread, and nothing of the import is there.
 * @throws what `importPath` throws; `vulnerabilities.too-large` when it does not fit into memory
 */
export function importInThread(task: ImportTask, signal: AbortSignal): Promise<SourceImport> {
  const host = importHostFile();
  if (host === undefined) return runImport(task);
  signal.throwIfAborted();
  const worker = new Worker(host, {
    // Nothing of the process that could be told is.
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      // Only when it has ended is its transaction undone.
      void worker.terminate().then(() => reject(signal.reason));
    };
    const end = (settle: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      void worker.terminate().then(settle);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    worker.once("message", (answer: ImportAnswer) =>
      end(() => ("done" in answer ? resolve(answer.done) : reject(errorOf(answer.failure)))),
    );
    worker.once("error", (error: Error & { readonly code?: string }) =>
      end(() => reject(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooLarge(task) : error)),
    );
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(task);
  });
}

function tooLarge({ what }: ImportTask): Error {
  const path = what.type === "path" ? what.path : what.source.url;
  return vulnerabilityErrors("vulnerabilities.too-large", { path, limit: `${MAX_HEAP_MB} MB of memory` });
}

/** The thread's program: as source, or in `dist`, where this file became part of a chunk. */
function importHostFile(): string | undefined {
  const candidates = [`../${HOST}.ts`, `./${HOST}.js`, `../${HOST}.js`];
  return candidates.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path));
}
