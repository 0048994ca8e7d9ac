// DDUF: a diffusion pipeline as one uncompressed zip (huggingface.co/docs/hub/dduf).
import { isJsonObject, parseJson } from "@pratique/core";
import { packagingErrors } from "../../errors.ts";
import type { HeaderSource } from "./header-source.ts";
import { shortText, type ModelFacts } from "./model-facts.ts";
import { withZipMembers } from "./zip-source.ts";

const LIMIT_INDEX = 256 * 1024;
const INDEX = "model_index.json";
const ALLOWED = /\.(?:json|safetensors|model|txt)$/;

/** @throws `model.invalid` */
export function readDduf(source: HeaderSource, label: string): Promise<ModelFacts> {
  const invalid = (reason: string) => packagingErrors("model.invalid", { path: label, reason });
  return withZipMembers(source, label, async (members) => {
    const packed = members.find(({ isStored }) => !isStored);
    if (packed !== undefined) throw invalid(`${packed.path.slice(0, 80)} is compressed`);
    const other = members.find(({ path }) => !ALLOWED.test(path) || path.split("/").length > 2);
    if (other !== undefined) throw invalid(`${other.path.slice(0, 80)} has no place in a DDUF file`);
    const index = members.find(({ path }) => path === INDEX);
    if (index === undefined) throw invalid("it has no model_index.json");
    const json = parseJson((await index.read(LIMIT_INDEX)).toString("utf8"), INDEX);
    if (!isJsonObject(json)) throw invalid("its model_index.json is no object");
    const architecture = shortText(json["_class_name"]);
    const names = Object.keys(json).filter((key) => !key.startsWith("_"));
    for (const { path } of members) {
      const [folder = "", file] = path.split("/");
      if (file !== undefined && !names.includes(folder))
        throw invalid(`model_index.json does not name ${folder.slice(0, 80)}`);
    }
    return {
      format: "dduf",
      isComplete: true,
      ...(architecture === undefined ? {} : { architecture }),
      tensors: members.filter(({ path }) => path.endsWith(".safetensors")).length,
    };
  });
}
