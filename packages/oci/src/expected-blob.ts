// What a caller said beforehand of a blob, held against what came: the same for every store.
import { ociErrors } from "./errors.ts";
import type { ExpectedBlob, StoredBlob } from "./repository.ts";

/** @throws `size.mismatch`, `digest.mismatch` */
export function requireExpected({ digest, size }: StoredBlob, expected: ExpectedBlob): void {
  if (expected.size !== undefined && expected.size !== size) {
    throw ociErrors("size.mismatch", { what: "the blob", actualBytes: size, expectedBytes: expected.size });
  }
  if (expected.digest !== undefined && expected.digest !== digest) {
    throw ociErrors("digest.mismatch", { what: "the blob", actual: digest, expected: expected.digest });
  }
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Stops a source that sends more than it said. */
export async function* bounded(
  source: AsyncIterable<Uint8Array>,
  limit: number | undefined,
): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of source) {
    seen += chunk.byteLength;
    if (limit !== undefined && seen > limit) {
      throw ociErrors("size.mismatch", { what: "the blob", actualBytes: `more than ${limit}`, expectedBytes: limit });
    }
    yield chunk;
  }
}
