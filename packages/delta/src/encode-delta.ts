// Makes a delta: what must be sent so that whoever has the base can rebuild the target.
import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { chunkName } from "./chunker.ts";
import { chunksOf, indexChunks } from "./chunk-index.ts";
import { FileWindow } from "./file-window.ts";
import { encodeTable, FRAME_LIMIT_BYTES, type Frame } from "./frame.ts";
import { planDelta, type Segment } from "./plan.ts";
import { splitPlanes, xorInto } from "./planes.ts";
import { tensorMap } from "./tensor-map.ts";

export interface EncodeOptions {
  /** Path of the layer that the receiver has. */
  readonly base: string;
  /** Path of the layer that the receiver wants. */
  readonly target: string;
  /** `chunks` looks at no tensor: what content-defined chunking alone would move. */
  readonly method?: "tensors" | "chunks";
  readonly signal?: AbortSignal | undefined;
}

interface Piece {
  readonly frame: Frame;
  readonly payload: Buffer | undefined;
}

/** In a box: an async generator waits for a promise that it yields as it is. */
interface Job {
  readonly piece: Promise<Piece>;
}

const compress = promisify(zstdCompress);
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Frames under way at once: reading goes on while others are compressed on libuv's threads. */
const AHEAD = 3;
/** Compressed to more than this, a frame is sent as it is. */
const WORTH = 0.98;

/** The bytes of the delta, in pieces. Both files are read once. */
export async function* encodeDelta(options: EncodeOptions): AsyncGenerator<Buffer> {
  await using files = await openBoth(options);
  const { base, target } = files;
  const isMapped = options.method !== "chunks";
  const plan = planDelta(
    { spans: isMapped ? await tensorMap(base) : [], size: base.size },
    { spans: isMapped ? await tensorMap(target) : [], size: target.size },
  );
  const isLoose = plan.segments.some((segment) => segment.base === undefined);
  const places = isLoose ? await indexChunks(base, plan.loose) : new Map<string, number>();
  const frames: Frame[] = [];
  const pieces = async function* (): AsyncGenerator<Job> {
    for (const segment of plan.segments) {
      options.signal?.throwIfAborted();
      yield* segment.base === undefined
        ? looseFrames(target, segment, places)
        : pairedFrames(base, target, { ...segment, base: segment.base });
    }
  };
  for await (const { frame, payload } of inOrder(pieces())) {
    join(frames, frame);
    if (payload !== undefined) yield payload;
  }
  yield encodeTable({ baseBytes: base.size, targetBytes: target.size, frames });
}

async function openBoth(options: EncodeOptions) {
  const base = await open(options.base, "r");
  const target = await open(options.target, "r").catch(async (error: unknown) => {
    await base.close();
    throw error;
  });
  return {
    base: await FileWindow.of(base),
    target: await FileWindow.of(target),
    async [Symbol.asyncDispose]() {
      await Promise.all([base.close(), target.close()]);
    },
  };
}

/** Frames of a tensor that the base has too. */
async function* pairedFrames(
  base: FileWindow,
  target: FileWindow,
  segment: Segment & { readonly base: number },
): AsyncGenerator<Job> {
  for (const { offset, length, width } of cuts(segment.length, segment.width)) {
    const [wanted, known] = await Promise.all([
      target.read(segment.start + offset, length),
      base.read(segment.base + offset, length),
    ]);
    const place = segment.base + offset;
    if (wanted.equals(known)) yield copied(place, length);
    else yield { piece: differing(wanted, known, { place, width }) };
  }
}

async function differing(wanted: Buffer, known: Buffer, at: { place: number; width: number }): Promise<Piece> {
  const { length } = wanted;
  const difference = Buffer.from(wanted);
  xorInto(difference, known);
  const payload = await compress(splitPlanes(difference, at.width), FAST);
  const frame: Frame = { type: "xor", length, base: at.place, width: at.width, stored: payload.length };
  if (payload.length < length * 0.6) return { frame, payload };
  const alone = await standing(wanted, at.width);
  return (alone.payload?.length ?? 0) < payload.length ? alone : { frame, payload };
}

/** Frames of what has no partner: chunks that the base has anywhere, and the rest compressed. */
async function* looseFrames(
  target: FileWindow,
  segment: Segment,
  places: ReadonlyMap<string, number>,
): AsyncGenerator<Job> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const flush = function* (): Generator<Job> {
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    for (const { offset, length, width } of cuts(bytes.length, segment.width)) {
      yield { piece: standing(bytes.subarray(offset, offset + length), width) };
    }
  };
  for await (const chunk of chunksOf(target, segment.start, segment.length)) {
    const { length } = chunk.bytes;
    const place = places.get(chunkName(chunk.bytes));
    if (place !== undefined || pendingBytes + length > FRAME_LIMIT_BYTES) yield* flush();
    if (place === undefined) {
      pending.push(Buffer.from(chunk.bytes));
      pendingBytes += length;
    } else yield copied(place, length);
  }
  yield* flush();
}

function copied(base: number, length: number): Job {
  return { piece: Promise.resolve({ frame: { type: "copy", length, base }, payload: undefined }) };
}

/** A frame that needs no base. */
async function standing(bytes: Buffer, width: number): Promise<Piece> {
  const { length } = bytes;
  const payload = await compress(splitPlanes(bytes, width), FAST);
  if (payload.length >= length * WORTH) return { frame: { type: "raw", length }, payload: bytes };
  return { frame: { type: "planes", length, width, stored: payload.length }, payload };
}

/** Cuts a run into frames of whole elements; what is left over at the end is a frame of single bytes. */
function* cuts(length: number, width: number): Generator<{ offset: number; length: number; width: number }> {
  const step = Math.floor(FRAME_LIMIT_BYTES / width) * width;
  const whole = length - (length % width);
  for (let offset = 0; offset < whole; offset += step) {
    yield { offset, length: Math.min(step, whole - offset), width };
  }
  if (whole < length) yield { offset: whole, length: length - whole, width: 1 };
}

/** Adds a frame; a copy that goes on where the last one ended is one with it. */
function join(frames: Frame[], frame: Frame): void {
  const last = frames.at(-1);
  if (frame.type === "copy" && last?.type === "copy" && last.base + last.length === frame.base) {
    frames[frames.length - 1] = { ...last, length: last.length + frame.length };
  } else frames.push(frame);
}

/** Finishes jobs in their order, a few of them at once. */
async function* inOrder(jobs: AsyncIterable<Job>): AsyncGenerator<Piece> {
  const queue: Promise<Piece>[] = [];
  try {
    for await (const { piece } of jobs) {
      // Waited for later: it must not count as unhandled until then.
      piece.catch(() => undefined);
      queue.push(piece);
      if (queue.length > AHEAD) yield await queue.shift()!;
    }
    while (queue.length > 0) yield await queue.shift()!;
  } finally {
    await Promise.allSettled(queue);
  }
}
