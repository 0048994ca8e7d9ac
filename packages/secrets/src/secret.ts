// A secret value on its way to the one place that needs it.
import { createHash } from "node:crypto";
import { inspect } from "node:util";

/**
 * Holds the value in memory of its own, which `dispose` overwrites. What prints, logs or serialises a Secret gets its
 * name. A string that `reveal` gave lives until the garbage collector comes: ask for it late and keep it short.
 */
export class Secret {
  readonly name: string;
  readonly version: number;
  readonly #bytes: Buffer;

  constructor(name: string, version: number, value: Uint8Array) {
    this.name = name;
    this.version = version;
    // Not from Node's pool of small buffers, which others share.
    this.#bytes = Buffer.alloc(value.byteLength);
    this.#bytes.set(value);
  }

  reveal(): string {
    return this.#bytes.toString("utf8");
  }

  /** First 12 hex characters of the SHA-256: the form in which the redactor names what it took out. */
  get digest(): string {
    return createHash("sha256").update(this.#bytes).digest("hex").slice(0, 12);
  }

  dispose(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return `«secret:${this.name}»`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
