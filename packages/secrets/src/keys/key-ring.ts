// Key-encryption keys of our own: a ring of them, of which one wraps and all open, kept as one document.
import { z } from "zod";
import type { Clock } from "@pratique/core";
import { Mutex } from "@pratique/core";
import { secretErrors } from "../errors.ts";
import type { Random } from "../random.ts";
import { KEY_BYTES, seal, unseal } from "../seal.ts";
import type { KeyPlace } from "./key-place.ts";
import type { KeyWrapper, WrappedKey } from "./key-wrapper.ts";

const RingDocument = z.strictObject({
  version: z.literal(1),
  current: z.string(),
  keys: z.record(
    z.string().regex(/^[0-9a-f]{16}$/),
    z.strictObject({ key: z.base64().length(44), createdAt: z.string() }),
  ),
});
type RingDocument = z.infer<typeof RingDocument>;

interface Ring {
  readonly document: RingDocument;
  readonly keys: ReadonlyMap<string, Buffer>;
  readonly revision: string;
  readonly readAt: number;
}

/** Another process may rotate: a ring is read again before it wraps when it is older than this. */
const FRESH_MS = 60_000;
const ATTEMPTS = 5;

export class KeyRing implements KeyWrapper {
  readonly #place: KeyPlace;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #mutex = new Mutex();
  #ring: Ring | undefined;

  constructor(place: KeyPlace, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#place = place;
    this.#clock = clock;
    this.#random = random;
  }

  get type(): string {
    return this.#place.type;
  }

  get place(): string {
    return this.#place.place;
  }

  owns(keyId: string): boolean {
    return keyId.startsWith(`${this.type}:`);
  }

  async current(): Promise<string> {
    return this.#idOf((await this.#fresh()).document.current);
  }

  async wrap(dataKey: Uint8Array, bound: Uint8Array): Promise<WrappedKey> {
    const { document, keys } = await this.#fresh();
    const key = keys.get(document.current);
    if (key === undefined) throw this.#unusable("its current key is not in it");
    return {
      keyId: this.#idOf(document.current),
      wrappedKey: seal(key, dataKey, bound, this.#random).toString("base64"),
    };
  }

  async unwrap({ keyId, wrappedKey }: WrappedKey, bound: Uint8Array): Promise<Buffer | undefined> {
    const name = keyId.slice(this.type.length + 1);
    // One that is not known may have been made by another process since.
    const key = (this.#ring ?? (await this.#load())).keys.get(name) ?? (await this.#load()).keys.get(name);
    if (key === undefined) throw secretErrors("secrets.key-missing", { keyId, place: this.place });
    return unseal(key, Buffer.from(wrappedKey, "base64"), bound);
  }

  async rotate(): Promise<string> {
    const { document } = await this.#change((document) => this.#withNewKey(document));
    return this.#idOf(document.current);
  }

  async retire(inUse: ReadonlySet<string>): Promise<void> {
    await this.#change((document) => {
      if (document === undefined) return undefined;
      const kept = Object.entries(document.keys).filter(
        ([name]) => name === document.current || inUse.has(this.#idOf(name)),
      );
      if (kept.length === Object.keys(document.keys).length) return undefined;
      return { ...document, keys: Object.fromEntries(kept) };
    }).catch((error: unknown) => {
      if (this.#ring === undefined) throw error;
    });
  }

  #idOf(name: string): string {
    return `${this.type}:${name}`;
  }

  async #fresh(): Promise<Ring> {
    const ring = this.#ring;
    return ring !== undefined && this.#now() - ring.readAt < FRESH_MS ? ring : await this.#load();
  }

  /** Reads the ring; makes it, with its first key, where there is none. */
  async #load(): Promise<Ring> {
    return await this.#change((document) => (document === undefined ? this.#withNewKey(undefined) : undefined));
  }

  /** Reads, and writes what `change` makes of it unless that is undefined; again when another wrote meanwhile. */
  async #change(change: (document: RingDocument | undefined) => RingDocument | undefined): Promise<Ring> {
    return await this.#mutex.run(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const kept = await this.#place.read();
        const document = kept === undefined ? undefined : this.#parse(kept.bytes);
        const changed = change(document);
        if (changed === undefined) {
          if (document === undefined || kept === undefined) throw this.#unusable("it is empty");
          return this.#take(document, kept.revision);
        }
        const bytes = Buffer.from(JSON.stringify(changed));
        const isWritten = await this.#place.write(bytes, kept?.revision);
        bytes.fill(0);
        if (!isWritten) continue;
        const now = await this.#place.read();
        if (now === undefined) throw this.#unusable("what was kept there is gone");
        return this.#take(this.#parse(now.bytes), now.revision);
      }
      throw secretErrors("secrets.keys-unreachable", { place: this.place, reason: "others change it all the time" });
    });
  }

  #take(document: RingDocument, revision: string): Ring {
    const keys = new Map(Object.entries(document.keys).map(([name, { key }]) => [name, Buffer.from(key, "base64")]));
    if (!keys.has(document.current)) throw this.#unusable("its current key is not in it");
    this.#ring = { document, keys, revision, readAt: this.#now() };
    return this.#ring;
  }

  #withNewKey(document: RingDocument | undefined): RingDocument {
    const name = this.#random(8).toString("hex");
    const key = this.#random(KEY_BYTES).toString("base64");
    const made = { key, createdAt: this.#clock.now().toISOString() };
    return { version: 1, current: name, keys: { ...document?.keys, [name]: made } };
  }

  #parse(bytes: Buffer): RingDocument {
    try {
      return RingDocument.parse(JSON.parse(bytes.toString("utf8")));
    } catch {
      // Without its cause: a parser's message may quote what it read.
      throw this.#unusable("it holds no ring of keys");
    } finally {
      bytes.fill(0);
    }
  }

  #unusable(reason: string): Error {
    return secretErrors("secrets.keys-unusable", { place: this.place, reason });
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
