// Where the chunks of a base lie.
import { CHUNK_MAX_BYTES, chunkLength, chunkName } from "./chunker.ts";
import type { FileWindow } from "./file-window.ts";

const WINDOW_BYTES = 4 * 1024 * 1024;

export interface PlacedChunk {
  readonly start: number;
  readonly bytes: Buffer;
}

/** The chunks of a run, in order. A chunk's bytes are good until the next one is asked for. */
export async function* chunksOf(file: FileWindow, start: number, length: number): AsyncGenerator<PlacedChunk> {
  const stop = start + length;
  let windowStart = start;
  while (windowStart < stop) {
    const window = await file.read(windowStart, Math.min(WINDOW_BYTES, stop - windowStart));
    // Near the window's end a cut would depend on where the window ends.
    const kept = windowStart + window.length >= stop ? 1 : CHUNK_MAX_BYTES;
    let at = 0;
    while (window.length - at >= kept) {
      const size = chunkLength(window, at);
      yield { start: windowStart + at, bytes: window.subarray(at, at + size) };
      at += size;
    }
    windowStart += at;
  }
}

/** Chunk name → place in the base. */
export async function indexChunks(
  file: FileWindow,
  runs: readonly { readonly start: number; readonly length: number }[],
): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  for (const { start, length } of runs) {
    for await (const chunk of chunksOf(file, start, length)) {
      const name = chunkName(chunk.bytes);
      if (!places.has(name)) places.set(name, chunk.start);
    }
  }
  return places;
}
