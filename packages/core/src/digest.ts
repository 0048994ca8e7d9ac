// Content digests as OCI writes them: `sha256:<hex>` or `sha512:<hex>` (image-spec, descriptor.md).
import { createHash, hash, type Hash } from "node:crypto";
import { coreErrors } from "./errors.ts";

declare const brand: unique symbol;

/** A checked `algorithm:hex` digest. */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly [brand]: "Digest" };

export type DigestAlgorithm = "sha256" | "sha512";

const LENGTHS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };
const FORM = /^(sha256|sha512):([0-9a-f]+)$/;

/** True for a well-formed sha256 or sha512 digest in lower-case hex. */
export function isDigest(text: string): text is Digest {
  const match = FORM.exec(text);
  return match !== null && match[2]!.length === LENGTHS[match[1] as DigestAlgorithm];
}

/** Checks a digest's form. @throws `digest.invalid` */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw coreErrors("digest.invalid", { digest: text.slice(0, 160) });
  return text;
}

/** The algorithm part of a digest. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The hex part of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of bytes (or of a UTF-8 text). */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${hash(algorithm, bytes, "hex")}` as Digest;
}

/** Computes a digest over a stream: `update` for each chunk, `digest` once at the end. */
export class Digester {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #sizeBytes = 0;

  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): this {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.byteLength;
    return this;
  }

  /** Bytes seen so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.copy().digest("hex")}` as Digest;
  }
}
