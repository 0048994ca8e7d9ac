// A blob from a byte on into buffers of its reader, in order: on one connection, and another where that breaks.
import { ociErrors } from "../errors.ts";
import type { ByteRange, LandOptions, Landing, StoredBlob } from "../repository.ts";
import type { Answer, RegistrySession } from "./registry-session.ts";
import { backoffMs, isTransientError } from "./retry.ts";

/** A connection of its own costs time, which a small blob does not make up for. */
const BULK_BYTES = 8 * 1024 * 1024;

export interface BlobLanding {
  readonly session: RegistrySession;
  readonly blob: StoredBlob;
  readonly landing: Landing;
  readonly options: LandOptions;
  readonly ask: (range: ByteRange | undefined, isBulk: boolean) => Promise<Answer>;
}

/** @throws `size.mismatch`, `registry.*` */
export async function landBlob({ session, blob, landing, options, ask }: BlobLanding): Promise<void> {
  let at = options.start;
  const counted: Landing = {
    room: () => landing.room(),
    came(sizeBytes) {
      at += sizeBytes;
      return landing.came(sizeBytes);
    },
    whenDrained: (resume) => landing.whenDrained(resume),
  };
  for (let failures = 0; at < blob.size; failures += 1) {
    const before = at;
    try {
      const answer = await ask(at === 0 ? undefined : { start: at }, blob.size - at >= BULK_BYTES);
      try {
        const skip = skipped(session, answer, blob, at);
        await options.onOpened?.();
        await take(answer, skip === 0 ? counted : pastStart(counted, skip), blob.size - at + skip);
      } finally {
        answer.body.destroy();
      }
      if (at < blob.size) throw mismatch(blob, at);
    } catch (error) {
      if (session.signal?.aborted === true) throw session.signal.reason;
      if (!isBroken(error)) throw error;
      if (at > before) failures = 0;
      if (failures + 1 >= session.retry.attempts) {
        const reason = "the connection breaks again and again";
        throw ociErrors("registry.unreachable", { registry: session.registry, reason });
      }
      await session.pause(backoffMs(failures, undefined, session.retry));
    }
  }
}

/** How much of the answer lies before what is wanted; it may say neither another place nor another length. */
function skipped(session: RegistrySession, { status, headers }: Answer, blob: StoredBlob, at: number): number {
  const isPart = status === 206;
  if (isPart && Number(/^bytes (\d{1,15})-/.exec(headers["content-range"] ?? "")?.[1] ?? -1) !== at) {
    throw session.badAnswer("it sends another range than the one asked for");
  }
  const length = headers["content-length"];
  const start = isPart ? at : 0;
  if (length !== undefined && Number(length) !== blob.size - start) throw mismatch(blob, start + Number(length));
  return at - start;
}

function mismatch({ digest, size }: StoredBlob, actualBytes: number): Error {
  return ociErrors("size.mismatch", { what: `blob ${digest}`, actualBytes, expectedBytes: size });
}

/** Drops the beginning of an answer to which a range meant nothing. */
function pastStart(landing: Landing, skipBytes: number): Landing {
  const scratch = Buffer.allocUnsafe(64 * 1024);
  let left = skipBytes;
  return {
    room: () => (left > 0 ? scratch.subarray(0, Math.min(left, scratch.length)) : landing.room()),
    came(sizeBytes) {
      if (left === 0) return landing.came(sizeBytes);
      left -= sizeBytes;
      return "more";
    },
    whenDrained: (resume) => landing.whenDrained(resume),
  };
}

async function take({ bulk, body }: Answer, landing: Landing, limitBytes: number): Promise<void> {
  const sizeBytes = bulk?.sizeBytes(body);
  if (bulk !== undefined && sizeBytes !== undefined) {
    landing.whenDrained(() => bulk.resume());
    return bulk.land(body, sizeBytes, landing);
  }
  let resume: (() => void) | undefined;
  landing.whenDrained(() => resume?.());
  let left = limitBytes;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    for (let from = 0; from < chunk.byteLength;) {
      // Without a length it may go on for ever.
      if (left === 0)
        throw ociErrors("size.mismatch", { what: "the blob", actualBytes: "more", expectedBytes: limitBytes });
      const room = landing.room();
      const part = chunk.subarray(from, from + Math.min(room.byteLength, left));
      room.set(part);
      from += part.byteLength;
      left -= part.byteLength;
      const wish = landing.came(part.byteLength);
      if (wish === "enough") return;
      if (wish === "pause") await new Promise<void>((drained) => (resume = drained));
    }
  }
}

function isBroken(error: unknown): boolean {
  return (
    isTransientError(error) ||
    (error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE")
  );
}
