// The thread of one program: QuickJS in WebAssembly, without anything of this process but two functions.
import { stripTypeScriptTypes } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSDeferredPromise,
  type QuickJSHandle,
  type QuickJSRuntime,
} from "quickjs-emscripten-core";
import { PRELUDE } from "./program-prelude.ts";
import type { FromProgram, ProgramData, ProgramEnding, ToProgram } from "./program-protocol.ts";

/** Recursion deeper than this is an error in the program, long before WebAssembly's own stack ends. */
const STACK_BYTES = 256 * 1024;
const JOBS_AT_ONCE = 500;
const PAGE_BYTES = 65_536;
/** What the interpreter's module asks for to begin with: its own stack and data, and a heap. */
const FIRST_PAGES = 256;
const ERROR_CHARS = 2000;

const port = parentPort;
if (port === null) throw new Error("program-host runs in a thread of its own");
const send = (message: FromProgram): void => port.postMessage(message);

class Program {
  readonly #data: ProgramData;
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #calls = new Map<number, QuickJSDeferredPromise>();
  readonly #queue: { readonly id: number; readonly name: string; readonly args: string }[] = [];
  #callsMade = 0;
  #inFlight = 0;
  #output = "";
  #usedMs = 0;
  /** Undefined while it does not run. */
  #enteredAt: number | undefined;
  #outcome: QuickJSHandle | undefined;
  #isOver = false;

  constructor(data: ProgramData, runtime: QuickJSRuntime) {
    this.#data = data;
    this.#runtime = runtime;
    runtime.setMemoryLimit(data.limits.memoryBytes);
    runtime.setMaxStackSize(STACK_BYTES);
    runtime.setInterruptHandler(() => this.#isOutOfTime());
    this.#context = runtime.newContext();
  }

  start(): void {
    const { code, limits, tools } = this.#data;
    let source: string;
    try {
      // As a function's body, so that `return` and `await` stand at its top; stripping keeps lines and columns.
      source = stripTypeScriptTypes(`(async function program() {\n${code}\n})`);
    } catch (error) {
      return this.#end({ error: `the program cannot be read: ${messageOf(error)}` });
    }
    send({ type: "begun" });
    this.#enter(() => {
      const { vm, host } = this.#host();
      const prelude = vm.unwrapResult(vm.evalCode(PRELUDE, "tools.js"));
      const paths = vm.newString(JSON.stringify(tools));
      const run = vm.unwrapResult(
        vm.callFunction(prelude, vm.undefined, host, paths, vm.newNumber(limits.resultChars)),
      );
      const main = vm.evalCode(source, "program");
      if (main.error !== undefined) return this.#end({ error: this.#said(main.error) });
      const outcome = vm.callFunction(run, vm.undefined, main.value);
      if (outcome.error !== undefined) return this.#end({ error: this.#said(outcome.error) });
      this.#outcome = outcome.value;
    });
    this.#goOn();
  }

  answer({ id, isError, text }: ToProgram): void {
    const deferred = this.#calls.get(id);
    if (deferred === undefined || this.#isOver) return;
    this.#calls.delete(id);
    this.#inFlight -= 1;
    const vm = this.#context;
    this.#enter(() => {
      if (isError) vm.newError(text).consume((error) => deferred.reject(error));
      else vm.newString(text).consume((value) => deferred.resolve(value));
    });
    this.#sendQueued();
    this.#goOn();
  }

  /** Runs what can run; then the program is over, waits for calls, or waits for nothing. */
  #goOn(): void {
    while (!this.#isOver && this.#runtime.hasPendingJob()) {
      this.#enter(() => {
        const jobs = this.#runtime.executePendingJobs(JOBS_AT_ONCE);
        // One job's fault is its promise's; what ends the program is time or memory.
        if (jobs.error !== undefined) this.#end({ error: this.#said(jobs.error) });
      });
    }
    if (this.#isOver || this.#outcome === undefined) return;
    const state = this.#context.getPromiseState(this.#outcome);
    if (state.type === "fulfilled") {
      const value = this.#context.dump(state.value) as unknown;
      this.#end(typeof value === "string" ? { result: value } : {});
    } else if (state.type === "rejected") this.#end({ error: this.#said(state.error) });
    else if (this.#isOutOfTime()) this.#end({ error: this.#timeWords() });
    else if (this.#calls.size === 0) this.#end({ error: "the program waits for something that never comes" });
  }

  #host(): { vm: QuickJSContext; host: QuickJSHandle } {
    const vm = this.#context;
    const host = vm.newObject();
    const { outputChars } = this.#data.limits;
    vm.newFunction("log", (line) => {
      if (this.#output.length > outputChars) return;
      this.#output += `${vm.getString(line)}\n`;
      if (this.#output.length > outputChars)
        this.#output = `${this.#output.slice(0, outputChars).toWellFormed()}\n… the rest was left out\n`;
    }).consume((log) => vm.setProp(host, "log", log));
    vm.newFunction("call", (name, args) => this.#call(vm.getString(name), vm.getString(args))).consume((call) =>
      vm.setProp(host, "call", call),
    );
    return { vm, host };
  }

  #call(name: string, args: string): QuickJSHandle {
    const vm = this.#context;
    const deferred = vm.newPromise();
    const { calls } = this.#data.limits;
    this.#callsMade += 1;
    if (this.#callsMade > calls) {
      vm.newError(`a program may make ${calls} calls`).consume((error) => deferred.reject(error));
    } else {
      const id = this.#callsMade;
      this.#calls.set(id, deferred);
      this.#queue.push({ id, name, args });
      this.#sendQueued();
    }
    return deferred.handle;
  }

  #sendQueued(): void {
    while (this.#inFlight < this.#data.limits.callsAtOnce) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#inFlight += 1;
      send({ type: "call", ...next });
    }
  }

  /** Counts the time that the interpreter runs. */
  #enter(task: () => void): void {
    const enteredAt = cpuMs();
    this.#enteredAt = enteredAt;
    try {
      task();
    } catch (error) {
      this.#end({ error: messageOf(error) });
    } finally {
      this.#usedMs += cpuMs() - enteredAt;
      this.#enteredAt = undefined;
    }
  }

  #isOutOfTime(): boolean {
    const running = this.#enteredAt === undefined ? 0 : cpuMs() - this.#enteredAt;
    return this.#usedMs + running > this.#data.limits.cpuMs;
  }

  #timeWords(): string {
    return `the program ran longer than ${this.#data.limits.cpuMs} ms of its own`;
  }

  #said(error: QuickJSHandle): string {
    if (this.#isOutOfTime()) return this.#timeWords();
    const dumped: unknown = this.#context.dump(error);
    // Not even an error could be made.
    if (dumped === null) return "InternalError: out of memory";
    if (typeof dumped !== "object" || dumped === null) return String(dumped).slice(0, ERROR_CHARS);
    const { name, message, stack } = dumped as { name?: unknown; message?: unknown; stack?: unknown };
    const line = typeof stack === "string" ? /program:(\d+)/.exec(stack)?.[1] : undefined;
    // The program's first line is the second of its function.
    const place = line === undefined ? "" : ` (line ${Math.max(1, Number(line) - 1)})`;
    return `${typeof name === "string" ? name : "Error"}: ${String(message)}${place}`.slice(0, ERROR_CHARS);
  }

  #end(how: Pick<ProgramEnding, "result" | "error">): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const calls = Math.min(this.#callsMade, this.#data.limits.calls);
    send({ type: "ended", ending: { ...how, output: this.#output, calls } });
  }
}

/** Of this thread: what others do on the machine is not the program's fault. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, ERROR_CHARS);
}

// Made by the gateway, from checked values.
const data = workerData as ProgramData;
const { default: loaded } = await import("@jitl/quickjs-wasmfile-release-sync");
// Its types are those of its CommonJS form, where the variant lies one step deeper.
const variant = "default" in loaded ? loaded.default : loaded;
// The interpreter's own limit knows of each piece alone (Emscripten tells no sizes): this one is for all of them.
const wasmMemory = new WebAssembly.Memory({
  initial: FIRST_PAGES,
  maximum: FIRST_PAGES + Math.ceil(data.limits.memoryBytes / PAGE_BYTES),
});
const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory }));
const program = new Program(data, quickjs.newRuntime());
port.on("message", (message: ToProgram) => program.answer(message));
program.start();
