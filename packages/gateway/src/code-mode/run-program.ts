// Runs one program in a thread that is ended afterwards, whatever it did.
import { Worker } from "node:worker_threads";
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { FromProgram, ProgramData, ProgramEnding, ToProgram } from "./program-protocol.ts";

export interface ProgramOptions extends ProgramData {
  /** Built file of program-host. */
  readonly hostFile: string;
  readonly signal: AbortSignal;
  /** Resolves with JSON text; what it rejects with is told to the program by its message. */
  readonly call: (name: string, args: JsonObject, signal: AbortSignal) => Promise<string>;
}

const ARGUMENTS_CHARS = 1024 * 1024;
/** Of JavaScript's own heap in the thread; QuickJS has its memory in WebAssembly, with a limit of its own. */
const HEAP_MB = 64;
const BUSY_LOOK_MS = 100;
const BUSY_FACTOR = 1.5;
const BUSY_SLACK_MS = 250;

/** Never rejects: whatever goes wrong is how the program ended. */
export async function runProgram({ hostFile, signal, call, ...data }: ProgramOptions): Promise<ProgramEnding> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnding>();
  const failed = (error: string): void => resolve({ error, output: "", calls: 0 });
  if (signal.aborted) return { error: "the caller left", output: "", calls: 0 };
  const worker = new Worker(hostFile, {
    workerData: data,
    env: {},
    argv: [],
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 },
  });
  const onAbort = (): void => failed("the caller left");
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => failed(`the program took longer than ${data.limits.wallMs} ms`), data.limits.wallMs);
  // Nobody is left to hear of a call that is still under way then, or waits for an approval.
  const ended = new AbortController();
  let watch: NodeJS.Timeout | undefined;
  worker.on("message", (message: FromProgram) => {
    if (message.type === "ended") return resolve(message.ending);
    if (message.type === "begun") {
      watch = watchBusy(worker, data.limits.cpuMs, () =>
        failed(`the program ran longer than ${data.limits.cpuMs} ms of its own`),
      );
      return undefined;
    }
    void answer(message).then((told) => {
      if (!ended.signal.aborted) worker.postMessage(told, []);
    });
  });
  worker.on("error", () => failed("the program needed more than it may have"));
  worker.on("exit", () => failed("the program's thread ended"));

  async function answer({ id, name, args }: Extract<FromProgram, { type: "call" }>): Promise<ToProgram> {
    try {
      return { type: "answer", id, isError: false, text: await call(name, argumentsIn(args), ended.signal) };
    } catch (error) {
      return { type: "answer", id, isError: true, text: error instanceof Error ? error.message : "the call failed" };
    }
  }

  try {
    return await promise;
  } finally {
    ended.abort();
    clearTimeout(timer);
    clearInterval(watch);
    signal.removeEventListener("abort", onAbort);
    worker.removeAllListeners("message");
    await worker.terminate();
  }
}

/** The interpreter asks for the time between its own steps only, and one step of a built-in may take for ever. */
function watchBusy(worker: Worker, cpuMs: number, onLate: () => void): NodeJS.Timeout {
  let begun: number | undefined;
  const look = async (): Promise<void> => {
    const { user, system } = await worker.cpuUsage();
    const usedMs = (user + system) / 1000;
    begun ??= usedMs;
    if (usedMs - begun > cpuMs * BUSY_FACTOR + BUSY_SLACK_MS) onLate();
  };
  // A thread that has ended has nothing to tell.
  return setInterval(() => void look().catch(() => undefined), BUSY_LOOK_MS);
}

function argumentsIn(text: string): JsonObject {
  if (text.length > ARGUMENTS_CHARS) throw new Error("the arguments are too large");
  const args: unknown = JSON.parse(text);
  if (!isJsonObject(args)) throw new Error("a tool takes one object with its arguments");
  return args;
}
