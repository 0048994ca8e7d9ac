// Random access to the beginning, or any part, of a model file: on disk, in a blob, in a registry far away.
import { open, type FileHandle } from "node:fs/promises";
import { packagingErrors } from "../../errors.ts";

export interface HeaderSource {
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** Fewer bytes than asked for only where the file ends. @throws `model.header-too-large` when the budget is spent */
  read(start: number, length: number): Promise<Buffer>;
}

export interface HeaderBudget {
  readonly maxReads: number;
  readonly maxBytes: number;
  /** What is fetched at least at once, so that small reads side by side cost one. */
  readonly windowBytes: number;
  /** A window grows to this size while more of the same source is read. */
  readonly growsToBytes?: number;
}

/** ≤ 3 requests and ≤ 1 MiB: what looking at a model in another registry may cost. */
export const REMOTE_BUDGET: HeaderBudget = { maxReads: 3, maxBytes: 1024 * 1024, windowBytes: 256 * 1024 };
/** Of a file here: enough for the largest vocabularies there are. */
export const LOCAL_BUDGET: HeaderBudget = {
  maxReads: 10_000,
  maxBytes: 512 * 1024 * 1024,
  windowBytes: 64 * 1024,
  growsToBytes: 8 * 1024 * 1024,
};

/** Tensors spread over the whole file, each with a few bytes to read: in small windows, of which the rest is forgotten. */
export const SCATTERED_BUDGET: HeaderBudget = { maxReads: 2_000_000, maxBytes: 4 * 1024 ** 3, windowBytes: 4096 };
const LIMIT_WINDOWS = 8;

type Fetch = (start: number, length: number) => Promise<Buffer>;

/** Reads through `fetch` within a budget; what was fetched is remembered. */
export function headerSource(sizeBytes: number, fetch: Fetch, budget: HeaderBudget): HeaderSource {
  const windows: { start: number; bytes: Buffer }[] = [];
  let reads = 0;
  let total = 0;
  return {
    sizeBytes,
    async read(start, length) {
      const end = Math.min(start + length, sizeBytes);
      if (start >= end) return Buffer.alloc(0);
      const held = windows.find((one) => one.start <= start && end <= one.start + one.bytes.length);
      if (held !== undefined) return held.bytes.subarray(start - held.start, end - held.start);
      // A window that ends where this one starts is continued: nothing is fetched twice.
      const before = windows.find((one) => one.start <= start && start <= one.start + one.bytes.length);
      const from = before === undefined ? start : before.start + before.bytes.length;
      const wanted = Math.min(
        Math.max(end - from, Math.min(windowAfter(budget, total), budget.maxBytes - total)),
        sizeBytes - from,
      );
      if (reads >= budget.maxReads || total + wanted > budget.maxBytes) {
        throw packagingErrors("model.header-too-large", { limitBytes: budget.maxBytes });
      }
      reads += 1;
      total += wanted;
      const bytes = await fetch(from, wanted);
      const whole =
        before === undefined
          ? { start: from, bytes }
          : { start: before.start, bytes: Buffer.concat([before.bytes, bytes]) };
      if (before !== undefined) windows.splice(windows.indexOf(before), 1);
      windows.push(whole);
      if (windows.length > LIMIT_WINDOWS) windows.shift();
      return whole.bytes.subarray(start - whole.start, Math.min(end, whole.start + whole.bytes.length) - whole.start);
    },
  };
}

/** As much as was fetched before, so that a long header takes few reads and a short one few bytes. */
function windowAfter({ windowBytes, growsToBytes = windowBytes }: HeaderBudget, total: number): number {
  return Math.max(windowBytes, Math.min(total, growsToBytes));
}

/** Hands a file to `use` and closes it. */
export async function withFileSource<T>(
  path: string,
  use: (source: HeaderSource) => Promise<T>,
  budget: HeaderBudget = LOCAL_BUDGET,
): Promise<T> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    return await use(headerSource(size, (start, length) => readAt(file, start, length), budget));
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
