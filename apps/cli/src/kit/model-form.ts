// The flags that say in which format a model is written.
import type { ModelForm, ModelFormatName } from "@pratique/contracts";
import { textFlag, type Command } from "./command.ts";
import { usageError } from "./run-command.ts";

/** Not from the schema, which takes as long to load as all else that a push does here. */
const FORMATS: Readonly<Record<ModelFormatName, true>> = {
  modelpack: true,
  docker: true,
  kitops: true,
  modelcar: true,
  ollama: true,
};
const NAMES = Object.keys(FORMATS).join(", ");

export const MODEL_FORM_FLAGS = {
  format: { type: "string", value: "FORMAT", summary: `of a model: ${NAMES}` },
  dual: { type: "boolean", summary: "of a model: ModelPack and ModelCar at once, on the same layers" },
} as const satisfies Command["flags"];

/** @throws a usage error for a format that there is not */
export function modelForm(flags: Parameters<typeof textFlag>[0]): ModelForm {
  const text = textFlag(flags, "format");
  const format = text !== undefined && isFormat(text) ? text : undefined;
  if (text !== undefined && format === undefined) {
    throw usageError(`--format is \`${text}\`, and can be ${NAMES}`, "choose one of them");
  }
  return {
    ...(format === undefined ? {} : { format }),
    ...(flags["dual"] === true ? { isDual: true } : {}),
  };
}

function isFormat(text: string): text is ModelFormatName {
  return Object.hasOwn(FORMATS, text);
}
