// From directories to artifacts and back: one folder a kind.
export { packagingErrors } from "./errors.ts";
export { detectKind, type PackableKind } from "./detect-kind.ts";
export { packSource } from "./pack-source.ts";
export { packDirectory, type PackDirectoryOptions } from "./pack-directory.ts";
export type { Packed, PackProgress, PackSourceOptions } from "./pack-source.ts";
export { adviseOn } from "./advise/advise.ts";
export { packServer, type PackServerTools } from "./mcp-server/pack-server.ts";
export { isServerAddress, parseServerSource, type ServerSource } from "./mcp-server/server-source.ts";
export { debianRuntimeBase, type DebianRuntimeBaseOptions } from "./mcp-server/debian-runtime-base.ts";
export type { ServerBases } from "./mcp-server/server-image.ts";
export type { PythonIndex } from "./mcp-server/python-wheels.ts";
export type { Material } from "./artifact-plan.ts";
export { artifactDocument, type ArtifactDocumentOptions } from "./contents/artifact-document.ts";
export { unpackArtifact, type Unpacked } from "./unpack-artifact.ts";
export {
  readArtifact,
  readConfigJson,
  type AgentInfo,
  type ArtifactInfo,
  type McpServerInfo,
  type ModelInfo,
  type OtherInfo,
  type SkillInfo,
} from "./read-artifact.ts";
export {
  isAgentLock,
  encodeAgentLock,
  lockedDigest,
  readAgentLock,
  type LockedMember,
  type LockedType,
} from "./agent/agent-lock.ts";
export { agentReferences, type AgentReference } from "./agent/agent-source.ts";
export { planBundle, type Bundle, type BundleRoot } from "./bundle/save-bundle.ts";
export { openImageSource, type FoundImage, type ImageSource } from "./image/image-source.ts";
export { MODEL_FORMATS, type CanonicalModel, type ModelFile, type ModelFormat } from "./model/canonical-model.ts";
export { convertModel, type ConvertModelOptions } from "./model/convert-model.ts";
export { describeModel, type ModelDescription } from "./model/describe-model.ts";
export { ggufWeights } from "./model/model-weights.ts";
export { registryWarnings } from "./model/registry-limits.ts";
export { kindOfManifest } from "./kind-of-manifest.ts";
export { checkFoundSkill, skillSource, type CheckedSkill } from "./skill/import-skill.ts";
export { parseGitSource, skillFromGit, type GitSource } from "./skill/skill-from-git.ts";
export { skillFromWeb, type WebOptions } from "./skill/skill-from-web.ts";
export { skillFromArchive, skillFromArtifact, skillFromDirectory, type FoundSkill } from "./skill/skill-sources.ts";
export {
  encodeSkillFile,
  parseSkillLock,
  parseSkillsFile,
  seconds,
  withLockedSkill,
  withoutSkill,
  withWantedSkill,
  type LockedSkill,
  type SkillLockFile,
  type SkillsFile,
  type WantedSkill,
} from "./skill/skill-lock.ts";
export { collectionMembers, encodeSkillVariants, parsePlatform, type SkillVariant } from "./skill/skill-variants.ts";
export { CATALOG_FILES, packCatalog } from "./catalog/pack-catalog.ts";
export { fetchBounded, fetchFile } from "./mcp-server/fetch-bounded.ts";
export type { McpbSignature } from "./mcp-server/mcpb-signature.ts";
export { readMcpb, type ReadMcpb } from "./mcp-server/read-mcpb.ts";
export { readCatalogArtifact } from "./catalog/read-catalog.ts";
export { readPolicyArtifact, type PolicyArtifact } from "./policy/read-policy.ts";
export type { SkillFormat } from "./skill/skill-formats.ts";
export { readSkillFiles, type SkillFiles } from "./skill/skill-files.ts";
export { bundleThrough, type BundleThroughOptions } from "./mcp-server/bundle-through.ts";
export { debianBase, type DebianBaseOptions } from "./mcp-server/debian-base.ts";
export { ociBase, type OciBaseOptions } from "./mcp-server/oci-base.ts";
export type { BaseImage, BaseLayer, PreparedBase, PrepareOptions } from "./mcp-server/base-image.ts";
export type { ToolVerdicts } from "./mcp-server/server-json.schema.ts";
export type { CommandResult, RunCommand } from "./run-command.ts";
