// How many threads an engine gets. Spin barriers punish oversubscription, and tiny models lose with more than one.
import { availableParallelism, loadavg } from "node:os";

/** Models smaller than this are evaluated faster by one thread than by any number of them (measured). */
const TINY_BYTES = 64 * 1024 * 1024;

/** Conversations evaluated side by side: several where their cache is cheap. */
export function slotsFor(sizeBytes: number): number {
  return sizeBytes < TINY_BYTES ? 4 : 1;
}

/** 1 for tiny models, else the physical cores that are free now. */
export function threadsFor(
  sizeBytes: number,
  cores: number = physicalCores(),
  load: number = loadavg()[0] ?? 0,
): number {
  if (sizeBytes < TINY_BYTES) return 1;
  return Math.max(1, Math.min(cores, Math.floor(cores - load + 0.5)));
}

/** Cores that may be used; SMT siblings count once, which is assumed for four or more logical ones. */
function physicalCores(): number {
  const logical = availableParallelism();
  return logical >= 4 ? Math.floor(logical / 2) : logical;
}
