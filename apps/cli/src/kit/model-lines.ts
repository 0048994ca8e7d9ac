// What a model says of itself, for people.
import type { ModelDetails } from "@pratique/contracts";
import { columns } from "./terminal.ts";
import { shortDigest, size } from "./words.ts";

export function modelLines(model: ModelDetails): string {
  const line = (name: string, value: string | number | undefined): string[][] =>
    value === undefined || value === "" ? [] : [[name, String(value)]];
  const facts = columns([
    ...line("format", [model.format, model.weights].filter((one) => one !== undefined).join(", ")),
    ...line("architecture", model.architecture),
    ...line(
      "parameters",
      model.parameters === undefined
        ? model.paramSize
        : `${model.parameters}${model.paramSize === undefined ? "" : ` (${model.paramSize})`}`,
    ),
    ...line("quantization", model.quantization),
    ...line("precision", model.precision),
    ...line("context", model.contextLength),
    ...line("embedding", model.embeddingLength),
    ...line("vocabulary", model.vocabularySize),
    ...line("licences", model.licences.join(", ") || "none stated"),
    ...line("authors", model.authors.join(", ")),
    ...line(
      "chat template",
      model.chatTemplate === undefined ? "none seen" : `${model.chatTemplate.length} characters`,
    ),
    ...line("pickles", model.pickles.join(", ")),
  ]);
  const files = columns(
    model.files.map(({ path, role, sizeBytes, digest }) => [`  ${shortDigest(digest)}`, size(sizeBytes), role, path]),
  );
  return `${facts}\n\nfiles\n${files}`;
}

/** What looking at it cost, and what may be missing. */
export function modelNote({ requests, readBytes, isComplete }: ModelDetails): string {
  const cost = `${requests} requests and ${size(readBytes)} read beside the manifest`;
  return isComplete ? cost : `${cost}; the header goes on behind that, so something may be missing`;
}
