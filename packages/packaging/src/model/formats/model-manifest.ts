// What the manifests of all model formats have in common: annotations, config, and the parts that no format renames.
import { isJsonObject, parseJson, readBounded, type JsonObject } from "@pratique/core";
import { parseManifest, type Descriptor, type ImageManifest, type Manifest, type Repository } from "@pratique/oci";
import { ANNOTATIONS } from "../../artifact-plan.ts";
import { RESIDUE_ANNOTATION } from "../../canonical/residue.ts";
import { packagingErrors } from "../../errors.ts";
import type { CanonicalModel } from "../canonical-model.ts";
import type { ModelMetadata } from "../model-metadata.ts";

const LIMIT_CONFIG = 4 * 1024 * 1024;
const PREFIX = "dev.pratique.model.";
const OWN: ReadonlySet<string> = new Set([
  ANNOTATIONS.kind,
  ANNOTATIONS.title,
  ANNOTATIONS.version,
  ANNOTATIONS.created,
  ANNOTATIONS.description,
  ANNOTATIONS.licences,
  RESIDUE_ANNOTATION,
]);

/** The manifest of an artifact that must be an image manifest. @throws `artifact.malformed` */
export function imageManifestOf(repository: Repository, manifest: Manifest): ImageManifest {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type === "image") return parsed.manifest;
  throw malformed(repository, manifest, "it is an index");
}

export function malformed(repository: Repository, manifest: Manifest, reason: string): Error {
  const reference = `${repository.name}@${manifest.descriptor.digest}`;
  return packagingErrors("artifact.malformed", { reference, kind: "model", reason });
}

/** The config as JSON; `{}` when it is none. @throws `input.too-large` */
export async function configJson(repository: Repository, config: Descriptor): Promise<JsonObject> {
  if (config.size > LIMIT_CONFIG) return {};
  const bytes = await readBounded(await repository.openBlob(config.digest), LIMIT_CONFIG, "the config");
  const json = parseJson(bytes.toString("utf8"), "the config");
  return isJsonObject(json) ? json : {};
}

type Common = Pick<CanonicalModel, "name" | "version" | "description" | "created" | "annotations">;

/** What the annotations of a manifest say in every format. */
export function commonParts(annotations: ImageManifest["annotations"] = {}): Common & { metadata: ModelMetadata } {
  const own: Record<string, string> = {};
  for (const [key, value] of Object.entries(annotations)) {
    if (!OWN.has(key) && !key.startsWith(PREFIX)) own[key] = value;
  }
  const part = <K extends string>(key: K, value: string | undefined) => (value === undefined ? {} : { [key]: value });
  const licences = annotations[ANNOTATIONS.licences];
  return {
    ...part("name", annotations[ANNOTATIONS.title]),
    ...part("version", annotations[ANNOTATIONS.version]),
    ...part("description", annotations[ANNOTATIONS.description]),
    ...part("created", annotations[ANNOTATIONS.created]),
    annotations: own,
    metadata: {
      ...part("architecture", annotations[`${PREFIX}architecture`]?.slice(0, 1024)),
      ...part("quantization", annotations[`${PREFIX}quantization`]?.slice(0, 1024)),
      ...numberPart("contextLength", annotations[`${PREFIX}context-length`]),
      ...(/^[0-9]{1,30}$/.test(annotations[`${PREFIX}parameters`] ?? "")
        ? { parameters: annotations[`${PREFIX}parameters`]! }
        : {}),
      ...(licences === undefined ? {} : { licences: licences.slice(0, 1024).split(" AND ") }),
    },
  };
}

function numberPart(key: "contextLength", text: string | undefined): { contextLength?: number } {
  const value = Number(text);
  return text !== undefined && Number.isSafeInteger(value) && value >= 0 ? { [key]: value } : {};
}

/** The annotations that say the same of a model in every format; engines and people read them. */
export function modelAnnotations({ metadata, annotations }: CanonicalModel): Record<string, string> {
  const stated = {
    architecture: metadata.architecture,
    parameters: metadata.parameters,
    quantization: metadata.quantization,
    // ModelPack's config has no place for it, and engines need it.
    "context-length": metadata.contextLength === undefined ? undefined : String(metadata.contextLength),
  };
  const own = Object.entries(stated).flatMap(([key, value]) =>
    value === undefined ? [] : [[`${PREFIX}${key}`, value]],
  );
  return { ...annotations, ...Object.fromEntries(own) };
}

/** A JSON object without some of its members; undefined when nothing is left. */
export function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter(([key, value]) => !keys.includes(key) && value !== undefined),
  );
}

/** A member that is an object, or none. */
export function objectIn(object: JsonObject | undefined, key: string): JsonObject {
  const value = object?.[key];
  return isJsonObject(value) ? value : {};
}

export function textIn(object: JsonObject | undefined, key: string): string | undefined {
  const value = object?.[key];
  return typeof value === "string" && value !== "" ? value.slice(0, 1024) : undefined;
}

/** Keeps the first of two objects' values, member by member. */
export function orElse<T extends object>(first: T, second: T): T {
  return { ...second, ...first };
}

/** A foreign section, left out when it says nothing. */
export function foreignOf(format: string, said: JsonObject): Record<string, JsonObject> {
  const filled = Object.entries(said).filter(
    ([, value]) => value !== undefined && !(isJsonObject(value) && Object.keys(value).length === 0),
  );
  return filled.length === 0 ? {} : { [format]: Object.fromEntries(filled) };
}
