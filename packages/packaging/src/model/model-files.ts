// Which part a file plays in a model, and the media type of its layer (CNCF ModelPack, model-spec 0.0.7).
import { basename, extname } from "node:path";

export const MODEL_MEDIA_TYPES = {
  artifact: "application/vnd.cncf.model.manifest.v1+json",
  config: "application/vnd.cncf.model.config.v1+json",
  weight: "application/vnd.cncf.model.weight.v1.raw",
  weightConfig: "application/vnd.cncf.model.weight.config.v1.raw",
  doc: "application/vnd.cncf.model.doc.v1.raw",
  code: "application/vnd.cncf.model.code.v1.raw",
  dataset: "application/vnd.cncf.model.dataset.v1.raw",
} as const;

export type ModelFileRole = "weight" | "template" | "config" | "licence" | "doc" | "code" | "dataset";

const LAYER_TYPES: Readonly<Record<ModelFileRole, string>> = {
  weight: MODEL_MEDIA_TYPES.weight,
  template: MODEL_MEDIA_TYPES.weightConfig,
  config: MODEL_MEDIA_TYPES.weightConfig,
  licence: MODEL_MEDIA_TYPES.doc,
  doc: MODEL_MEDIA_TYPES.doc,
  code: MODEL_MEDIA_TYPES.code,
  dataset: MODEL_MEDIA_TYPES.dataset,
};

/** Annotation that keeps the role, since the media type alone does not tell a template from a config. */
export const ROLE_ANNOTATION = "dev.pratique.model.role";
const FILEPATH_ANNOTATION = "org.cncf.model.filepath";
const METADATA_ANNOTATION = "org.cncf.model.file.metadata+json";

const CODE = new Set([".py", ".js", ".mjs", ".cjs", ".ts", ".sh", ".ipynb"]);
const DATASET = new Set([".jsonl", ".csv", ".tsv", ".parquet", ".arrow"]);
const CONFIG = new Set([".json", ".yaml", ".yml", ".toml", ".model"]);

export function roleOf(path: string): ModelFileRole {
  const name = basename(path).toLowerCase();
  const extension = extname(name);
  if (extension === ".gguf") return "weight";
  if (extension === ".jinja" || extension === ".jinja2") return "template";
  if (/^(?:licen[cs]e|copying|notice)/.test(name)) return "licence";
  if (DATASET.has(extension) || /(?:^|[-_.])eval(?:[-_.]|set)/.test(name)) return "dataset";
  if (CODE.has(extension)) return "code";
  return CONFIG.has(extension) ? "config" : "doc";
}

export function layerTypeOf(role: ModelFileRole): string {
  return LAYER_TYPES[role];
}

/** Annotations of a file's layer: its path for unpacking, its title for `oras pull`, and a mode without times. */
export function layerAnnotations(path: string, size: number, role: ModelFileRole): Record<string, string> {
  const metadata = {
    name: basename(path),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: "1970-01-01T00:00:00Z",
    typeflag: 48,
  };
  return {
    [ROLE_ANNOTATION]: role,
    [METADATA_ANNOTATION]: JSON.stringify(metadata),
    [FILEPATH_ANNOTATION]: path,
    "org.opencontainers.image.title": path,
  };
}
