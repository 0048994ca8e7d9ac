// Reading the documents of a dump: several at once, and no more than it may cost.
import { vulnerabilityErrors } from "../errors.ts";
import type { ImportLimits } from "./limits.ts";

export interface AdvisoryDocument {
  readonly name: string;
  readonly text: string;
}

/** One that is there and was not read yet. */
export interface WaitingDocument {
  readonly name: string;
  read(): Promise<string>;
}

const AT_ONCE = 64;

/** Reads them while their source is open, several at once. */
export async function* inBatches(waiting: AsyncIterable<WaitingDocument>): AsyncGenerator<AdvisoryDocument[]> {
  let some: WaitingDocument[] = [];
  for await (const one of waiting) {
    some.push(one);
    if (some.length < AT_ONCE) continue;
    yield await readAll(some);
    some = [];
  }
  if (some.length > 0) yield await readAll(some);
}

/** None is still being read when this fails: its file is about to be closed. */
async function readAll(waiting: readonly WaitingDocument[]): Promise<AdvisoryDocument[]> {
  const settled = await Promise.allSettled(waiting.map(async (one) => ({ name: one.name, text: await one.read() })));
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

/** What a dump may still cost. */
export class DocumentBudget {
  readonly #path: string;
  readonly #limits: ImportLimits;
  #bytes = 0;
  #documents = 0;

  constructor(path: string, limits: ImportLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  spend(bytes: number, name: string): void {
    const { recordBytes, totalBytes, documents } = this.#limits;
    this.#bytes += bytes;
    this.#documents += 1;
    if (bytes > recordBytes) throw tooLarge(`${this.#path}/${name}`, `${recordBytes} bytes a record`);
    if (this.#bytes > totalBytes) throw tooLarge(this.#path, `${totalBytes} bytes`);
    if (this.#documents > documents) throw tooLarge(this.#path, `${documents} records`);
  }
}

function tooLarge(path: string, limit: string): Error {
  return vulnerabilityErrors("vulnerabilities.too-large", { path, limit });
}
