// Sends part of a blob that is still on its way in: at once what is there, the end only when all of it has been checked.
import type { ServerResponse } from "node:http";
import { BUFFER_BYTES, type BufferShelf } from "../buffer-shelf.ts";
import type { Slice } from "../byte-range.ts";
import type { BlobTransfer, TransferReader } from "./blob-transfer.ts";
import type { HeldBytes } from "./tip-blocks.ts";

/** Kept back until the digest is right: no client can hold a whole blob, or range, that was not checked. */
const HELD_BYTES = 16 * 1024;
const IN_FLIGHT = 2;

export interface GrowingBlob {
  readonly transfer: BlobTransfer;
  readonly reader: TransferReader;
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
  { transfer, reader }: GrowingBlob,
  slice: Slice,
  res: ServerResponse,
  options: GrowingOptions,
): Promise<boolean> {
  const end = slice.start + slice.length;
  const held = Math.max(slice.start, end - HELD_BYTES);
  const inFlight: Promise<boolean>[] = [];
  let at = slice.start;
  let isBroken = false;
  while (at < end && !isBroken) {
    if (res.destroyed) return false;
    const limit = transfer.isChecked ? end : Math.min(transfer.received, held);
    if (at < limit) {
      // Two at a time: one is on its way out while the next is looked for.
      if (inFlight.length === IN_FLIGHT && !(await inFlight.shift())) isBroken = true;
      const part = isBroken
        ? undefined
        : (reader.held(at, limit) ?? (await fromFile(reader, at, limit, options.shelf)));
      if (part === undefined) {
        isBroken = true;
        break;
      }
      inFlight.push(write(res, part, options.idleMs));
      at += part.bytes.byteLength;
    } else if (transfer.isFailed) isBroken = true;
    else {
      // The client sees at least that it is coming.
      res.flushHeaders();
      await change(transfer, res);
    }
  }
  for (const one of inFlight) if (!(await one)) isBroken = true;
  if (isBroken) {
    res.destroy();
    return false;
  }
  res.end();
  return true;
}

async function fromFile(
  reader: TransferReader,
  at: number,
  limit: number,
  shelf: BufferShelf,
): Promise<HeldBytes | undefined> {
  const file = reader.file();
  if (file === undefined) return undefined;
  const buffer = shelf.take();
  const { bytesRead } = await file.read(buffer, 0, Math.min(BUFFER_BYTES, limit - at), at);
  if (bytesRead === 0) return undefined;
  return { bytes: buffer.subarray(0, bytesRead), release: () => shelf.giveBack(buffer) };
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

/** Resolves when the bytes are out of our hands, so that their buffer can be used again; false when nobody takes them. */
function write(res: ServerResponse, { bytes, release }: HeldBytes, idleMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (isOut: boolean): void => {
      clearTimeout(timer);
      res.off("close", onClose);
      // Of a broken connection the kernel may still hold them.
      if (isOut) release();
      resolve(isOut);
    };
    const onClose = (): void => done(false);
    const timer = setTimeout(() => res.destroy(), idleMs);
    res.once("close", onClose);
    res.write(bytes, () => done(!res.destroyed));
  });
}
