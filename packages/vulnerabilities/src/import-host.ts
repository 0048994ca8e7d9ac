// Entry point of the thread that imports advisories: hundreds of thousands of records keep it busy, and not the daemon.
import { parentPort } from "node:worker_threads";
import { answerTo, type ImportTask } from "./import/import-task.ts";

parentPort?.once("message", (task: ImportTask) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  void answerTo(task).then((answer) => parentPort?.postMessage(answer));
});
