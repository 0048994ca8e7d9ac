// Tensors of a GGUF file, by the parser that packing uses too. It reads the header only.
import type { FileWindow } from "./file-window.ts";
import type { Span } from "./span.ts";

/** Bytes a value or block by GGML type number (ggml.c, type traits); what is missing is compared byte by byte. */
const WIDTHS: Readonly<Record<number, number>> = {
  0: 4, // F32
  1: 2, // F16
  2: 18, // Q4_0
  3: 20, // Q4_1
  6: 22, // Q5_0
  7: 24, // Q5_1
  8: 34, // Q8_0
  9: 36, // Q8_1
  10: 84, // Q2_K
  11: 110, // Q3_K
  12: 144, // Q4_K
  13: 176, // Q5_K
  14: 210, // Q6_K
  20: 18, // IQ4_NL
  28: 8, // F64
  30: 2, // BF16
};

/** The tensors, or `undefined` when this is no GGUF file (or none that can be understood). */
export async function ggufSpans(file: FileWindow): Promise<Span[] | undefined> {
  if ((await file.read(0, 4)).toString("latin1") !== "GGUF") return undefined;
  const { gguf } = await import("@huggingface/gguf");
  let parsed: Awaited<ReturnType<typeof gguf>>;
  try {
    parsed = await gguf("http://layer.invalid/model.gguf", { fetch: rangeFetch(file) });
  } catch {
    // The bytes are compared as chunks then.
    return undefined;
  }
  const starts = parsed.tensorInfos.map(({ name, offset, dtype }) => ({
    name,
    dtype,
    start: Number(parsed.tensorDataOffset + offset),
  }));
  starts.sort((a, b) => a.start - b.start);
  return starts.map(({ name, dtype, start }, place) => ({
    name,
    start,
    // Up to the next one: the padding between belongs to both files alike.
    length: (starts[place + 1]?.start ?? file.size) - start,
    type: `ggml-${dtype}`,
    width: WIDTHS[dtype] ?? 1,
  }));
}

/** Answers the parser's range requests from the file; nothing goes over a network. */
function rangeFetch(file: FileWindow): typeof fetch {
  return async (_input, init) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get("range") ?? "");
    const start = Number(range?.[1] ?? 0);
    const bytes = await file.read(start, Number(range?.[2] ?? file.size - 1) - start + 1);
    return new Response(new Uint8Array(bytes), { status: 206 });
  };
}
