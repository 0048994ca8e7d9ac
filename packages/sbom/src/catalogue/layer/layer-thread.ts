// A thread that reads layers one after the other, for as long as one catalogue is made.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { LayerAnswer, LayerQuestion } from "./layer-question.ts";
import type { LayerReading, ReadingBudget } from "./layer-reading.ts";
import { LayerProblem } from "./scan-layer.ts";

/** Of its heap; a layer whose facts do not fit is too large, and ends the thread instead of the process. */
const MAX_HEAP_MB = 1024;
const HOST = "layer-host";

export class LayerThread {
  readonly #worker: Worker;
  #ended: Error | undefined;

  /** @param file the thread's program: `layer-host.ts`, or what a build made of it */
  constructor(file: string) {
    this.#worker = new Worker(file, {
      // Nothing of the process that could be told is.
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    this.#worker.on("error", (error) => (this.#ended = error));
    this.#worker.unref();
  }

  /** Spends the budget. @throws LayerProblem */
  async read(question: LayerQuestion, signal: AbortSignal): Promise<LayerReading> {
    const answer = await this.#ask(question, signal);
    if ("problem" in answer) throw new LayerProblem(answer.problem.reason, answer.problem.isTooLarge);
    spend(question, answer.used);
    return answer.reading;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(question: LayerQuestion, signal: AbortSignal): Promise<LayerAnswer> {
    const worker = this.#worker;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        worker.off("message", onAnswer).off("error", onError).off("exit", onExit);
        signal.removeEventListener("abort", onAbort);
        worker.unref();
      };
      const end = (settle: () => void): void => {
        stop();
        settle();
      };
      const onAnswer = (answer: LayerAnswer): void => end(() => resolve(answer));
      const onError = (error: Error & { readonly code?: string }): void => {
        const isTooLarge = error.code === "ERR_WORKER_OUT_OF_MEMORY";
        const reason = isTooLarge ? "it says more than fits into memory" : error.message;
        end(() => reject(new LayerProblem(reason, isTooLarge, error)));
      };
      const onExit = (): void => end(() => reject(new LayerProblem("its reader ended", false)));
      const onAbort = (): void => {
        void worker.terminate();
        end(() => reject(signal.reason));
      };
      worker.on("message", onAnswer).on("error", onError).on("exit", onExit);
      signal.addEventListener("abort", onAbort, { once: true });
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(question);
    });
  }
}

function spend({ budget, limits }: LayerQuestion, used: ReadingBudget): void {
  budget.entries -= used.entries;
  budget.bytes -= used.bytes;
  budget.packages -= used.packages;
  // Layers that are read side by side each began with what was left.
  if (budget.entries < 0) throw new LayerProblem(`with it there are more than ${limits.maxEntries} entries`, true);
  if (budget.bytes < 0) throw new LayerProblem(`with it there are more than ${limits.maxBytes} bytes`, true);
  if (budget.packages < 0) throw new LayerProblem(`with it there are more than ${limits.maxPackages} packages`, true);
}

/** The thread's program beside this one: as source, or in `dist`, where this file became part of a chunk. */
export function layerHostFile(): string | undefined {
  const candidates = [`../${HOST}.ts`, `./${HOST}.js`, `../${HOST}.js`];
  return candidates.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path));
}
