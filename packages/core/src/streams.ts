// Bounded reads: nothing from outside is taken into memory without a limit.
import { coreErrors } from "./errors.ts";

/**
 * Reads a whole stream of at most `limitBytes`.
 * @throws `input.too-large` as soon as the limit is passed
 */
export async function readBounded(
  source: AsyncIterable<Uint8Array | string>,
  limitBytes: number,
  what = "the input",
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    const bytes =
      typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    size += bytes.length;
    if (size > limitBytes) throw coreErrors("input.too-large", { what, limitBytes });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
}

/** Parses JSON text. @throws `input.not-json` */
export function parseJson(text: string, what = "the input"): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw coreErrors("input.not-json", { what }, { cause });
  }
}
