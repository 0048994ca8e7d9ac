// An interceptor in WebAssembly, in a thread that is ended when it takes too long.
import { Worker } from "node:worker_threads";
import type { Transport } from "./interceptor.ts";
import type { WasmReply } from "./wasm-protocol.ts";

export interface WasmTransportOptions {
  readonly module: WebAssembly.Module;
  /** Built file of wasm-host. */
  readonly hostFile: string;
  readonly limitBytes: number;
}

interface Waiting {
  resolve(text: string): void;
  reject(reason: Error): void;
}

/** Of JavaScript's own heap in the thread; the module's memory has a limit of its own. */
const HEAP_MB = 64;

export function wasmTransport(options: WasmTransportOptions): Transport {
  return new WasmThread(options);
}

class WasmThread implements Transport {
  readonly #options: WasmTransportOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;

  constructor(options: WasmTransportOptions) {
    this.#options = options;
  }

  ask(question: string, signal: AbortSignal): Promise<string> {
    const id = this.#next++;
    return new Promise<string>((resolve, reject) => {
      const onAbort = (): void => {
        // It may be this message that it cannot end, so the thread goes, and with it those that wait behind.
        this.#waiting.delete(id);
        reject(new Error("it took too long"));
        void this.#end("another message took too long");
      };
      const settled =
        <T>(settle: (value: T) => void): ((value: T) => void) =>
        (value) => {
          signal.removeEventListener("abort", onAbort);
          settle(value);
        };
      if (signal.aborted) return reject(new Error("it took too long"));
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#thread().postMessage({ id, question }, []);
    });
  }

  async close(): Promise<void> {
    await this.#end("the gateway closes");
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const { module, hostFile, limitBytes } = this.#options;
    const worker = new Worker(hostFile, {
      workerData: { module, limitBytes },
      env: {},
      argv: [],
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 },
    });
    worker.unref();
    worker.on("message", (reply: WasmReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ("text" in reply) waiting?.resolve(reply.text);
      else waiting?.reject(new Error(reply.error));
    });
    const gone = (): void => {
      if (this.#worker === worker) void this.#end("its thread ended");
    };
    worker.on("error", gone);
    worker.on("exit", gone);
    this.#worker = worker;
    return worker;
  }

  async #end(reason: string): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(reason));
    this.#waiting.clear();
    worker?.removeAllListeners();
    await worker?.terminate();
  }
}
