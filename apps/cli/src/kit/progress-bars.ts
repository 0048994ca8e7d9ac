// Bars for what moves: one a blob and one for all, drawn over themselves on a terminal.
import type { TransferEvent } from "@pratique/contracts";
import type { Terminal } from "./terminal.ts";
import { shortDigest, size } from "./words.ts";

type Progress = Extract<TransferEvent, { readonly type: "progress" }>;

const WIDTH = 24;
/** The rate is that of the last seconds, or it would go on about a stall long after. */
const WINDOW_MS = 5000;

export class ProgressBars {
  readonly #terminal: Pick<Terminal, "draw">;
  readonly #now: () => number;
  readonly #seen: { readonly atMs: number; readonly doneBytes: number }[] = [];

  constructor(terminal: Pick<Terminal, "draw">, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
  }

  show(progress: Progress): void {
    const atMs = this.#now();
    this.#seen.push({ atMs, doneBytes: progress.doneBytes });
    while (this.#seen.length > 2 && this.#seen[0]!.atMs < atMs - WINDOW_MS) this.#seen.shift();
    this.#terminal.draw(progressLines(progress, this.#rate()));
  }

  #rate(): number | undefined {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < 300) return undefined;
    return ((last.doneBytes - first.doneBytes) * 1000) / (last.atMs - first.atMs);
  }

  clear(): void {
    this.#terminal.draw([]);
  }
}

/** `rate` in bytes a second. */
export function progressLines(progress: Progress, rate: number | undefined): string[] {
  const lines = progress.blobs.map(
    ({ digest, doneBytes, sizeBytes }) =>
      `  ${shortDigest(digest)}  ${bar(doneBytes, sizeBytes)}  ${size(doneBytes)} of ${size(sizeBytes)}`,
  );
  const { doneBytes, sizeBytes } = progress;
  const pace = rate === undefined || rate <= 0 ? "" : `  ${size(Math.round(rate))}/s`;
  if (sizeBytes === undefined) return [...lines, `  ${size(doneBytes)}${pace}`];
  const left = rate === undefined || rate <= 0 ? "" : `  ${duration((sizeBytes - doneBytes) / rate)} left`;
  return [
    ...lines,
    `  all                  ${bar(doneBytes, sizeBytes)}  ${size(doneBytes)} of ${size(sizeBytes)}${pace}${left}`,
  ];
}

function bar(done: number, total: number): string {
  const full = total === 0 ? WIDTH : Math.min(WIDTH, Math.floor((done / total) * WIDTH));
  return `${"━".repeat(full)}${"─".repeat(WIDTH - full)}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
