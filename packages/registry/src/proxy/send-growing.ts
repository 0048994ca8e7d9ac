// Sends part of a blob that is still on its way in: at once what is there, the end only when all of it has been checked.
import type { FileHandle } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { BUFFER_BYTES, type BufferShelf } from "../buffer-shelf.ts";
import type { Slice } from "../byte-range.ts";
import type { BlobTransfer } from "./blob-transfer.ts";

/** Kept back until the digest is right: no client can hold a whole blob, or range, that was not checked. */
const HELD_BYTES = 16 * 1024;

export interface GrowingBlob {
  readonly transfer: BlobTransfer;
  readonly file: FileHandle;
}

export interface GrowingOptions {
  readonly shelf: BufferShelf;
  /** A client that takes nothing for so long is given up. */
  readonly idleMs: number;
}

/**
 * Writes the slice and ends the response, whose head is already set. False when the client went away, or the blob
 * turned out to be none: then the connection is broken off, which is all that can be said by now.
 */
export async function sendGrowing(
  { transfer, file }: GrowingBlob,
  slice: Slice,
  res: ServerResponse,
  options: GrowingOptions,
): Promise<boolean> {
  const buffer = options.shelf.take();
  const end = slice.start + slice.length;
  const held = Math.max(slice.start, end - HELD_BYTES);
  let at = slice.start;
  let isBroken = false;
  while (at < end) {
    if (res.destroyed) return false;
    const limit = transfer.isChecked ? end : Math.min(transfer.received, held);
    if (at < limit) {
      const wanted = Math.min(BUFFER_BYTES, limit - at);
      const { bytesRead } = await file.read(buffer, 0, wanted, at);
      isBroken = bytesRead === 0 || !(await write(res, buffer.subarray(0, bytesRead), options.idleMs));
      if (isBroken) break;
      at += bytesRead;
    } else if (transfer.isFailed) {
      isBroken = true;
      break;
    } else {
      // The client sees at least that it is coming.
      res.flushHeaders();
      await change(transfer, res);
    }
  }
  if (isBroken) {
    res.destroy();
    return false;
  }
  res.end();
  options.shelf.giveBack(buffer);
  return true;
}

/** Waits for more, or for the client to go. */
function change(transfer: BlobTransfer, res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      takeBack();
      res.off("close", done);
      resolve();
    };
    const takeBack = transfer.onceChanged(done);
    res.once("close", done);
    // It may have happened between the look and here.
    if (res.destroyed || transfer.isFailed || transfer.isChecked) done();
  });
}

/** Resolves when the bytes are out of our hands, so that the buffer can be used again; false when nobody takes them. */
function write(res: ServerResponse, bytes: Buffer, idleMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (isOut: boolean): void => {
      clearTimeout(timer);
      res.off("close", onClose);
      resolve(isOut);
    };
    const onClose = (): void => done(false);
    const timer = setTimeout(() => res.destroy(), idleMs);
    res.once("close", onClose);
    res.write(bytes, () => done(!res.destroyed));
  });
}
