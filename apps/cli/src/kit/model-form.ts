// The flags that say in which format a model is written.
import { ModelFormatName, type ModelForm } from "@pratique/contracts";
import { textFlag, type Command } from "./command.ts";
import { usageError } from "./run-command.ts";

export const MODEL_FORM_FLAGS = {
  format: { type: "string", value: "FORMAT", summary: `of a model: ${ModelFormatName.options.join(", ")}` },
  dual: { type: "boolean", summary: "of a model: ModelPack and ModelCar at once, on the same layers" },
} as const satisfies Command["flags"];

/** @throws a usage error for a format that there is not */
export function modelForm(flags: Parameters<typeof textFlag>[0]): ModelForm {
  const text = textFlag(flags, "format");
  const format = ModelFormatName.safeParse(text).data;
  if (text !== undefined && format === undefined) {
    throw usageError(`--format is \`${text}\`, and can be ${ModelFormatName.options.join(", ")}`, "choose one of them");
  }
  return {
    ...(format === undefined ? {} : { format }),
    ...(flags["dual"] === true ? { isDual: true } : {}),
  };
}
