// Evaluates several conversations in shared batches, and keeps what a conversation has evaluated for its next turn.
import type { NativeContext, NativeSampler } from "./host-binding.ts";

export interface GenerationOptions {
  readonly prompt: readonly number[];
  readonly sampler: NativeSampler;
  /** Most tokens to generate. */
  readonly maxTokens: number;
  readonly signal: AbortSignal;
  /** Gets every token but the end token; returns false to stop. */
  onToken(token: number): boolean;
}

export interface GenerationEnd {
  readonly reason: "stop" | "length" | "cancelled";
  /** Tokens sampled, the end token included (as llama-server counts them). */
  readonly tokens: number;
  /** Prompt tokens that did not have to be evaluated again. */
  readonly cachedTokens: number;
}

export interface SchedulerOptions {
  readonly context: NativeContext;
  readonly isEnd: (token: number) => boolean;
  readonly contextTokens: number;
  readonly slots: number;
  readonly batchTokens: number;
  readonly maxWaiting: number;
}

/** Thrown by `generate` when too many wait. */
export class QueueFull extends Error {}

interface Slot {
  readonly sequence: number;
  /** Tokens whose evaluation the context holds, from position 0. */
  cached: number[];
  active: Generation | undefined;
  usedAt: number;
}

interface Generation {
  readonly options: GenerationOptions;
  /** Tokens not evaluated yet. */
  pending: number[];
  tokens: number;
  cachedTokens: number;
  resolve(end: GenerationEnd): void;
  reject(error: unknown): void;
}

interface Part {
  readonly slot: Slot;
  readonly generation: Generation;
  /** Where the logits of its last token are; absent while its prompt is unfinished. */
  readonly logitIndex: number | undefined;
}

function commonPrefix(left: readonly number[], right: readonly number[]): number {
  let length = 0;
  while (length < left.length && length < right.length && left[length] === right[length]) length += 1;
  return length;
}

/** One context, shared by at most `slots` generations at a time; the rest wait in order. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #slots: Slot[];
  readonly #waiting: Generation[] = [];
  #turn = 0;
  #running = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.slots }, (_, sequence) => ({
      sequence,
      cached: [],
      active: undefined,
      usedAt: 0,
    }));
  }

  generate(options: GenerationOptions): Promise<GenerationEnd> {
    if (this.#waiting.length >= this.#options.maxWaiting) return Promise.reject(new QueueFull());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ options, pending: [], tokens: 0, cachedTokens: 0, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0 || this.#slots.some((slot) => slot.active !== undefined)) {
      this.#admit();
      this.#dropCancelled();
      const parts = this.#fillBatch();
      if (parts.length > 0) await this.#step(parts);
    }
    this.#running = false;
  }

  #admit(): void {
    while (this.#waiting.length > 0) {
      const free = this.#slots.filter((slot) => slot.active === undefined);
      const next = this.#waiting[0];
      if (free.length === 0 || next === undefined) return;
      this.#waiting.shift();
      if (next.options.signal.aborted) {
        next.resolve({ reason: "cancelled", tokens: 0, cachedTokens: 0 });
        continue;
      }
      const { prompt } = next.options;
      const slot = free.reduce((best, candidate) => {
        const gain = commonPrefix(candidate.cached, prompt) - commonPrefix(best.cached, prompt);
        return gain > 0 || (gain === 0 && candidate.usedAt < best.usedAt) ? candidate : best;
      });
      this.#seat(slot, next);
    }
  }

  #seat(slot: Slot, generation: Generation): void {
    const { prompt } = generation.options;
    // At least one token is evaluated anew, since its logits are needed.
    let keep = Math.min(commonPrefix(slot.cached, prompt), prompt.length - 1);
    if (keep < slot.cached.length && !this.#options.context.removeTokenCellsFromSequence(slot.sequence, keep, -1)) {
      this.#options.context.disposeSequence(slot.sequence); // recurrent caches cannot be cut
      keep = 0;
    }
    slot.cached = slot.cached.slice(0, keep);
    slot.active = generation;
    slot.usedAt = this.#turn += 1;
    generation.pending = prompt.slice(keep);
    generation.cachedTokens = keep;
  }

  #dropCancelled(): void {
    for (const slot of this.#slots) if (slot.active?.options.signal.aborted) this.#finish(slot, "cancelled");
  }

  #finish(slot: Slot, reason: GenerationEnd["reason"]): void {
    const generation = slot.active;
    slot.active = undefined;
    generation?.resolve({ reason, tokens: generation.tokens, cachedTokens: generation.cachedTokens });
  }

  /** Those that write go first with one token each; prompts share the room that is left. */
  #fillBatch(): Part[] {
    const { context, batchTokens } = this.#options;
    const active = this.#slots
      .flatMap((slot) => (slot.active === undefined ? [] : [{ slot, generation: slot.active }]))
      .sort((a, b) => a.generation.pending.length - b.generation.pending.length);
    const size = Math.min(
      batchTokens,
      active.reduce((sum, { generation }) => sum + generation.pending.length, 0),
    );
    if (size === 0) return [];
    context.initBatch(size);
    let room = size;
    const parts: Part[] = [];
    for (const { slot, generation } of active) {
      const take = generation.pending.splice(0, room);
      if (take.length === 0) continue;
      const isLast = generation.pending.length === 0;
      const logits = isLast ? Uint32Array.of(take.length - 1) : new Uint32Array();
      const [logitIndex] = context.addToBatch(slot.sequence, slot.cached.length, Uint32Array.from(take), logits);
      slot.cached.push(...take);
      room -= take.length;
      parts.push({ slot, generation, logitIndex });
    }
    return parts;
  }

  async #step(parts: readonly Part[]): Promise<void> {
    try {
      await this.#options.context.decodeBatch();
    } catch (error) {
      for (const { slot } of parts) this.#fail(slot, error);
      return;
    }
    for (const { slot, generation, logitIndex } of parts) {
      if (logitIndex === undefined) continue;
      try {
        this.#accept(slot, generation, await this.#options.context.sampleToken(logitIndex, generation.options.sampler));
      } catch (error) {
        this.#fail(slot, error);
      }
    }
  }

  #accept(slot: Slot, generation: Generation, token: number): void {
    generation.tokens += 1;
    if (token < 0 || this.#options.isEnd(token)) return this.#finish(slot, "stop");
    if (!generation.options.onToken(token)) return this.#finish(slot, "stop");
    const isFull = slot.cached.length + 1 >= this.#options.contextTokens;
    if (generation.tokens >= generation.options.maxTokens || isFull) return this.#finish(slot, "length");
    generation.pending = [token];
  }

  /** What the context holds after a failed step is unknown: the slot forgets it. */
  #fail(slot: Slot, error: unknown): void {
    this.#options.context.disposeSequence(slot.sequence);
    slot.cached = [];
    slot.active?.reject(error);
    slot.active = undefined;
  }
}
