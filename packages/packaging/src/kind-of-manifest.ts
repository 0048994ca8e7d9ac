// The kind of an artifact, from its manifest alone: what it states, else what its media types say.
import { Kind, KIND_ANNOTATION } from "@pratique/contracts";
import { artifactTypeOf, parseManifest, type Manifest } from "@pratique/oci";
import { AGENT_LOCK_TYPE } from "./agent/agent-lock.ts";
import { AGENT_MEDIA_TYPES } from "./agent/pack-agent.ts";
import { CATALOG_MEDIA_TYPES } from "./catalog/pack-catalog.ts";
import { SERVER_NAME_LABEL } from "./mcp-server/server-labels.ts";
import { modelFormatOf } from "./model/model-formats.ts";
import { POLICY_MEDIA_TYPES } from "./policy/pack-policy.ts";
import { SKILL_TYPES } from "./skill/shapes.ts";

/** Artifact types and config types that others write, too. */
const BY_TYPE: ReadonlyMap<string, Kind> = new Map([
  ...SKILL_TYPES.map((type): [string, Kind] => [type, "skill"]),
  [AGENT_MEDIA_TYPES.artifact, "agent"],
  [AGENT_LOCK_TYPE, "agent"],
  [POLICY_MEDIA_TYPES.artifact, "policy"],
  [CATALOG_MEDIA_TYPES.artifact, "catalog"],
]);

/**
 * The kind of an artifact. A media type that only one kind has wins over the annotation, so that an artifact
 * cannot pass as one thing and be used as another.
 */
export function kindOfManifest(manifest: Pick<Manifest, "bytes" | "mediaType">): Kind {
  if (modelFormatOf(manifest) !== undefined) return "model";
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  const types = [artifactTypeOf(parsed), parsed.type === "image" ? parsed.manifest.config.mediaType : undefined];
  for (const type of types) {
    const kind = type === undefined ? undefined : BY_TYPE.get(type);
    if (kind !== undefined) return kind;
  }
  const annotations = parsed.manifest.annotations ?? {};
  const stated = Kind.safeParse(annotations[KIND_ANNOTATION]);
  // Models, skills and agents have types of their own; what says so without having them is none.
  if (stated.success && !["model", "skill", "agent", "catalog"].includes(stated.data)) return stated.data;
  return SERVER_NAME_LABEL in annotations ? "mcp-server" : "image";
}
