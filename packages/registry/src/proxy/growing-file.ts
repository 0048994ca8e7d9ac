// A file that grows while others read it: what comes during one write goes out in the next, all at once.
import { fileError } from "@pratique/store";
import type { FileHandle } from "node:fs/promises";

/** So much may wait for the disk. */
const WAITING_BYTES = 4 * 1024 * 1024;

/**
 * Appends the chunks of a source. The first is written at once; later ones gather while a write is under way.
 * `onWritten` is told of each write that is done. What had come when the source fails is written before it throws.
 */
export async function growFile(
  file: FileHandle,
  path: string,
  source: AsyncIterable<Uint8Array>,
  onWritten: (sizeBytes: number) => void,
): Promise<void> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let writing: Promise<void> | undefined;
  let failure: unknown;
  const write = async (): Promise<void> => {
    while (waiting.length > 0 && failure === undefined) {
      const batch = waiting;
      const size = waitingBytes;
      waiting = [];
      waitingBytes = 0;
      try {
        await writeAll(file, batch, size);
        onWritten(size);
      } catch (error) {
        failure = fileError(error, path);
      }
    }
    writing = undefined;
  };
  try {
    for await (const chunk of source) {
      waiting.push(chunk);
      waitingBytes += chunk.byteLength;
      writing ??= write();
      if (waitingBytes >= WAITING_BYTES) await writing;
      if (failure !== undefined) throw failure;
    }
  } finally {
    await writing;
  }
  if (failure !== undefined) throw failure;
}

async function writeAll(file: FileHandle, batch: readonly Uint8Array[], size: number): Promise<void> {
  const { bytesWritten } = await file.writev([...batch]);
  if (bytesWritten === size) return;
  // A short write, as at the end of a disk: the rest one by one, so that its error shows.
  const rest = Buffer.concat(batch, size).subarray(bytesWritten);
  for (let at = 0; at < rest.byteLength;) at += (await file.write(rest, at)).bytesWritten;
}
