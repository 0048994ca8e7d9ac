// The map of a layer: which tensors it holds, whether it is a weights file as it lies or one inside a tar.
import type { FileWindow } from "./file-window.ts";
import { ggufSpans } from "./gguf-map.ts";
import { safetensorsSpans } from "./safetensors-map.ts";
import { soundSpans, type Span } from "./span.ts";
import { tarMembers } from "./tar-map.ts";

/** Sorted, inside the file and without overlap; empty when the format is none that is known. */
export async function tensorMap(file: FileWindow): Promise<Span[]> {
  const own = await weightsSpans(file);
  if (own !== undefined) return soundSpans(own, file.size);
  const spans: Span[] = [];
  for (const member of (await tarMembers(file)) ?? []) {
    const inside = await weightsSpans(file.slice(member.start, member.length));
    // The name alone: the path inside a layer differs between formats, the tensor's does not.
    for (const span of inside ?? []) spans.push({ ...span, start: span.start + member.start });
  }
  return soundSpans(spans, file.size);
}

async function weightsSpans(file: FileWindow): Promise<Span[] | undefined> {
  return (await ggufSpans(file)) ?? (await safetensorsSpans(file));
}
