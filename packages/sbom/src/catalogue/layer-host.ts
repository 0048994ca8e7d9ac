// Entry point of a thread that reads layers: what a stranger wrote keeps it busy, and not whoever answers requests.
import { createReadStream } from "node:fs";
import { parentPort } from "node:worker_threads";
import { answerTo, type LayerAnswer, type LayerQuestion } from "./layer/layer-question.ts";

const READ_BYTES = 512 * 1024;

parentPort?.on("message", (question: LayerQuestion) => {
  const source = createReadStream(question.path, { highWaterMark: READ_BYTES });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  void answerTo(question, source).then((answer: LayerAnswer) => parentPort?.postMessage(answer));
});
