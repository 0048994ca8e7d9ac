// A model in another format: its files stay as they are, and blobs that both formats have alike are not even read.
import { hexOf } from "@pratique/core";
import type { Manifest, Repository } from "@pratique/oci";
import { packSource, type Packed, type PackSourceOptions } from "../pack-source.ts";
import type { ModelFormat } from "./canonical-model.ts";
import { modelFormatOf, readModel, writeModel } from "./model-formats.ts";
import { modelComponents } from "./model-components.ts";
import { picklesIn } from "./pickles-in.ts";
import { notesOf } from "./pickle-evidence.ts";

export interface ConvertModelOptions {
  readonly from: { readonly repository: Repository; readonly manifest: Manifest; readonly reference: string };
  readonly format: ModelFormat;
  readonly isDual?: boolean | undefined;
}

/**
 * Writes a model that is packed already in another format. An image is taken for a ModelCar.
 * @throws `artifact.malformed`, `model.not-dual`, `model.already`
 */
export async function convertModel(
  { from, format, isDual = false }: ConvertModelOptions,
  options: PackSourceOptions,
): Promise<Packed & { readonly attached?: unknown }> {
  const known = modelFormatOf(from.manifest);
  const model = await readModel(from.repository, from.manifest, known ?? "modelcar");
  const pickles = await picklesIn(model);
  return packSource(
    {
      kind: "model",
      name: model.name ?? "model",
      parameters: { convertedFrom: from.reference, format, dual: isDual },
      async plan(repository, { tag }) {
        const version = model.version ?? tag ?? "0.1.0";
        const plan = await writeModel(model, format, {
          repository,
          version,
          isDual,
          components: await modelComponents(model, version, pickles),
          materials: [
            {
              uri: `pratique:model/${from.reference}`,
              digest: { sha256: hexOf(from.manifest.descriptor.digest) },
              name: from.reference,
            },
          ],
          buildType: "https://pratique.dev/build-types/convert/model/v1",
        });
        return { ...plan, notes: notesOf(pickles) };
      },
    },
    options,
  );
}
