// How far a transfer came, for who watches it.
import { setTimeout as delay } from "node:timers/promises";
import type { TransferEvent } from "@pratique/contracts";
import { problemOf } from "../control/problem.ts";

type Result = Extract<TransferEvent, { readonly type: "moved" | "packed" }>;

const TELL_EVERY_MS = 200;
const BLOBS_TOLD = 8;

export class TransferWatch {
  readonly #blobs = new Map<string, { doneBytes: number; readonly sizeBytes: number }>();
  /** Of files whose digest is not known before they are sent. */
  #otherBytes = 0;
  readonly #steps: string[] = [];

  /** As `copyArtifact` tells it. */
  blob(
    { digest, size }: { readonly digest: string; readonly size: number },
    doneBytes: number,
    isMoved: boolean,
  ): void {
    if (isMoved) this.#blobs.set(digest, { doneBytes, sizeBytes: size });
  }

  /** Says what is done now. */
  step(text: string): void {
    this.#steps.push(text);
  }

  takeSteps(): string[] {
    return this.#steps.splice(0);
  }

  bytes(count: number): void {
    this.#otherBytes += count;
  }

  event(): TransferEvent {
    let doneBytes = this.#otherBytes;
    let sizeBytes = 0;
    const blobs = [];
    for (const [digest, blob] of this.#blobs) {
      doneBytes += blob.doneBytes;
      sizeBytes += blob.sizeBytes;
      if (blob.doneBytes < blob.sizeBytes && blobs.length < BLOBS_TOLD) blobs.push({ digest, ...blob });
    }
    return { type: "progress", doneBytes, ...(this.#blobs.size === 0 ? {} : { sizeBytes }), blobs };
  }
}

/** Runs a transfer and tells of it a few times a second, then how it ended. */
export async function* watched(transfer: (watch: TransferWatch) => Promise<Result>): AsyncGenerator<TransferEvent> {
  const watch = new TransferWatch();
  const ended = transfer(watch).catch((error: unknown): TransferEvent => ({
    type: "failed",
    problem: problemOf(error),
  }));
  for (let told = ""; ;) {
    const pause = new AbortController();
    const tick = delay(TELL_EVERY_MS, undefined, { signal: pause.signal }).catch(() => undefined);
    const end = await Promise.race([ended, tick]);
    pause.abort();
    for (const text of watch.takeSteps()) yield { type: "step", text };
    if (end !== undefined) {
      yield watch.event();
      yield end;
      return;
    }
    const event = watch.event();
    const text = JSON.stringify(event);
    if (text !== told) yield event;
    told = text;
  }
}
