// The shapes in which skills are found in registries, and how each keeps its files.
import type { ParsedManifest } from "@pratique/oci";
import { artifactTypeOf } from "@pratique/oci";
import { SKILL_MEDIA_TYPES } from "./skill-media-types.ts";

export type SkillShape = "agentskills" | "agentskills-files" | "toolhive" | "acr" | "ramalama" | "image";

export const TOOLHIVE_TYPE = "dev.toolhive.skills.v1";
/** References of what a skill needs, as a JSON list. */
export const TOOLHIVE_REQUIRES = "dev.toolhive.skills.requires";
export const ACR_TYPE = "application/vnd.agent.skill.v1+json";
export const RAMALAMA_TYPE = "application/vnd.cncf.skill.manifest.v1+json";
const RAMALAMA_CONFIG = "application/vnd.cncf.skill.config.v1+json";

/** Artifact and config types by which a manifest or index is known to be a skill. */
export const SKILL_TYPES: readonly string[] = [
  SKILL_MEDIA_TYPES.artifact,
  SKILL_MEDIA_TYPES.config,
  TOOLHIVE_TYPE,
  ACR_TYPE,
  RAMALAMA_TYPE,
  RAMALAMA_CONFIG,
];

/** The shape of a skill's manifest; `image` for every plain image, which may hold one. */
export function skillShapeOf(parsed: ParsedManifest): SkillShape {
  const type = artifactTypeOf(parsed) ?? "";
  if (type === TOOLHIVE_TYPE) return "toolhive";
  if (type === ACR_TYPE) return "acr";
  if (type === RAMALAMA_TYPE || type === RAMALAMA_CONFIG) return "ramalama";
  if (type !== SKILL_MEDIA_TYPES.artifact && type !== SKILL_MEDIA_TYPES.config) return "image";
  const layers = parsed.type === "image" ? parsed.manifest.layers : [];
  return layers.length === 1 && layers[0]?.mediaType === SKILL_MEDIA_TYPES.content
    ? "agentskills"
    : "agentskills-files";
}
