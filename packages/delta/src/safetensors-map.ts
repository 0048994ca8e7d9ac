// Tensors of a safetensors file: 8 bytes of header length, JSON, then the data (safetensors README, "Format").
import { isJsonObject } from "@pratique/core";
import type { FileWindow } from "./file-window.ts";
import { HEADER_LIMIT_BYTES, SPANS_LIMIT, type Span } from "./span.ts";

const WIDTHS: ReadonlyMap<string, number> = new Map([
  ["F64", 8],
  ["I64", 8],
  ["U64", 8],
  ["F32", 4],
  ["I32", 4],
  ["U32", 4],
  ["F16", 2],
  ["BF16", 2],
  ["I16", 2],
  ["U16", 2],
]);

/** The tensors, or `undefined` when this is no safetensors file. */
export async function safetensorsSpans(file: FileWindow): Promise<Span[] | undefined> {
  const head = await file.read(0, 9);
  if (head.length < 9 || head[8] !== 0x7b) return undefined;
  const headerBytes = head.readBigUInt64LE(0);
  if (headerBytes > BigInt(Math.min(HEADER_LIMIT_BYTES, file.size - 8))) return undefined;
  const dataStart = 8 + Number(headerBytes);
  const header = parse((await file.read(8, Number(headerBytes))).toString("utf8"));
  if (!isJsonObject(header)) return undefined;
  const spans: Span[] = [];
  for (const [name, tensor] of Object.entries(header).slice(0, SPANS_LIMIT)) {
    if (name === "__metadata__" || !isJsonObject(tensor)) continue;
    const { dtype, data_offsets: offsets } = tensor;
    if (typeof dtype !== "string" || !Array.isArray(offsets)) continue;
    const [from, to] = offsets;
    if (typeof from !== "number" || typeof to !== "number") continue;
    spans.push({ name, start: dataStart + from, length: to - from, type: dtype, width: WIDTHS.get(dtype) ?? 1 });
  }
  return spans;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
