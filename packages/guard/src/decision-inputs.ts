// Keeps what policy was asked, so that decisions can be made again under other policies. Beside the log: the record has
// the digest only, and what is kept here may be erased.
import { canonicalJson, digestOf, redactJson, describeError, type Clock, type Json, type Log } from "@pratique/core";
import type { PolicyRequest } from "@pratique/policy";
import type { Database } from "@pratique/store";

export interface DecisionInputsOptions {
  readonly table: Database["decisionInputs"];
  readonly clock: Clock;
  readonly log: Log;
  /** Kept at most; the oldest go first. */
  readonly limit?: number;
}

const DEFAULT_LIMIT = 100_000;
/** Characters of one; a larger one is not kept. */
const MAX_BODY = 32 * 1024;
/** Written so long after they came, or when there are so many. */
const WRITE_AFTER_MS = 500;
const WRITE_AFTER = 256;
/** While the database cannot be written, no more than so many wait. */
const MAX_WAITING = 4096;
/** Digests that are known to be there. */
const MAX_KNOWN = 20_000;
/** Questions whose names are remembered: the same few are asked over and over, and naming one is dear. */
const MAX_NAMED = 2000;
/** After so many written, the oldest are looked for. */
const PRUNE_EVERY = 1000;

export class DecisionInputs {
  readonly #options: DecisionInputsOptions;
  readonly #known = new Set<string>();
  readonly #named = new Map<string, string>();
  readonly #waiting = new Map<string, { readonly body: string; readonly keptAt: string }>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #written = 0;

  constructor(options: DecisionInputsOptions) {
    this.#options = options;
  }

  /** Names what was asked; it is written soon after. Undefined when it is too large to be kept. */
  keep({ principal, action, resource, context = {} }: PolicyRequest): string | undefined {
    // Each call has another arguments digest, and no policy can make anything of one.
    const { argumentsDigest: _, ...rest } = context;
    const text = JSON.stringify({ principal, action, resource, context: rest });
    const named = this.#named.get(text);
    if (named !== undefined) return named;
    if (text.length > MAX_BODY) return undefined;
    const json: Json = JSON.parse(text);
    const body = canonicalJson(redactJson(json, []));
    const digest = digestOf(body);
    // What found no room is tried again the next time.
    if (!this.#put(digest, body)) return digest;
    if (this.#named.size >= MAX_NAMED) this.#named.clear();
    this.#named.set(text, digest);
    return digest;
  }

  #put(digest: string, body: string): boolean {
    if (this.#known.has(digest)) return true;
    if (this.#waiting.size >= MAX_WAITING) return false;
    this.#waiting.set(digest, { body, keptAt: this.#options.clock.now().toISOString() });
    if (this.#waiting.size >= WRITE_AFTER) this.#writeSoon(0);
    else this.#writeSoon(WRITE_AFTER_MS);
    return true;
  }

  /** Writes what waits. A failure loses no decision, only the means to make these again. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  close(): Promise<void> {
    return this.flush();
  }

  #writeSoon(afterMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.flush(), afterMs).unref();
  }

  async #write(): Promise<void> {
    const { table, log, limit = DEFAULT_LIMIT } = this.#options;
    const rows = [...this.#waiting].map(([digest, row]) => ({ digest, ...row }));
    if (rows.length === 0) return;
    try {
      await table.insertAll(rows);
      for (const { digest } of rows) {
        this.#waiting.delete(digest);
        this.#known.add(digest);
      }
      if (this.#known.size > MAX_KNOWN) this.#known.clear();
      this.#written += rows.length;
      if (this.#written < PRUNE_EVERY) return;
      this.#written = 0;
      if ((await table.keepNewest(limit)) === 0) return;
      this.#known.clear();
      this.#named.clear();
    } catch (error) {
      log.warn("what policy was asked cannot be kept", { waiting: this.#waiting.size, ...describeError(error) });
    }
  }
}
