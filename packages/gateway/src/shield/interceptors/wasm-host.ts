// The thread of a WebAssembly interceptor. Each message gets an instance of its own: nothing of one caller stays for another.
import { parentPort, workerData } from "node:worker_threads";
import type { WasmHostData, WasmReply, WasmTask } from "./wasm-protocol.ts";

const port = parentPort;
if (port === null) throw new Error("wasm-host runs in a thread of its own");
const { module, limitBytes }: WasmHostData = workerData;

port.on("message", ({ id, question }: WasmTask) => {
  const reply: WasmReply = answerTo(id, question);
  port.postMessage(reply);
});

function answerTo(id: number, question: string): WasmReply {
  try {
    return { id, text: run(question) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message.slice(0, 200) : "it failed" };
  }
}

function run(question: string): string {
  const { exports } = new WebAssembly.Instance(module, {});
  const { memory, pratique_alloc: alloc, pratique_intercept: intercept } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new Error("its memory is none");
  if (typeof alloc !== "function" || typeof intercept !== "function") throw new Error("its functions are none");
  const bytes = Buffer.from(question);
  const place: unknown = alloc(bytes.length);
  if (typeof place !== "number") throw new Error("pratique_alloc gives no i32");
  new Uint8Array(memory.buffer, place >>> 0, bytes.length).set(bytes);
  const packed: unknown = intercept(place, bytes.length);
  if (typeof packed !== "bigint") throw new Error("pratique_intercept gives no i64");
  const start = Number(BigInt.asUintN(32, packed >> 32n));
  const size = Number(BigInt.asUintN(32, packed));
  if (size > limitBytes) throw new Error(`its answer is larger than ${limitBytes} bytes`);
  return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(memory.buffer, start, size));
}
