// Gzip as a reproducible stream, and the digest of what went in.
import { Digester, isPratiqueError, type Digest } from "@pratique/core";
import { Readable } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";
import { packagingErrors } from "../errors.ts";

export interface GzipStream {
  readonly compressed: AsyncIterable<Uint8Array>;
  /** Digest of the uncompressed bytes (an image config's diff_id), once all was read. */
  diffId(): Digest;
}

/** Compresses a stream. The header says neither when nor on which system (RFC 1952 §2.3.1: OS 255). */
export function gzipStream(source: AsyncIterable<Uint8Array>, level: number): GzipStream {
  const digester = new Digester();
  async function* observed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      digester.update(chunk);
      yield chunk;
    }
  }
  async function* compressed(): AsyncGenerator<Uint8Array> {
    const input = Readable.from(observed(), { objectMode: false });
    const gzip = createGzip({ level });
    input.on("error", (error) => gzip.destroy(error));
    input.pipe(gzip);
    let at = 0;
    try {
      for await (const chunk of gzip as AsyncIterable<Buffer>) {
        if (at <= 9 && at + chunk.length > 9) chunk[9 - at] = 255;
        at += chunk.length;
        yield chunk;
      }
    } finally {
      input.destroy();
    }
  }
  return { compressed: compressed(), diffId: () => digester.digest() };
}

/** Decompresses a stream. @throws `archive.damaged` */
export async function* gunzipStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = Readable.from(source, { objectMode: false });
  const gunzip = createGunzip();
  input.on("error", (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    throw packagingErrors("archive.damaged", { reason: "it is not sound gzip" }, { cause: error });
  } finally {
    input.destroy();
  }
}
