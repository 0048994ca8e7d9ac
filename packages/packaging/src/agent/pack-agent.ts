// An agent's YAML → the artifact docker-agent pulls: its raw bytes as the one layer (pkg/oci/package.go there).
import { hexOf } from "@pratique/core";
import type { LocalRepository } from "@pratique/oci";
import { ANNOTATIONS, type ArtifactPlan } from "../artifact-plan.ts";
import type { AgentSource } from "./agent-source.ts";

export const AGENT_MEDIA_TYPES = {
  /** Of the artifact and of its config. */
  artifact: "application/vnd.docker.agent.config.v1+json",
  yaml: "application/yaml",
} as const;

const AGENT_REFERENCES_ANNOTATION = "dev.pratique.agent.references";

export async function planAgent(
  source: AgentSource,
  o: { repository: LocalRepository; version: string },
): Promise<ArtifactPlan> {
  const stored = await o.repository.putBlob(source.bytes);
  const sha256 = hexOf(stored.digest);
  const { author, license, description, tags } = source.metadata;
  return {
    kind: "agent",
    name: source.name,
    version: o.version,
    description: description ?? `OCI artifact containing ${source.file.path}`,
    licences: license === undefined ? [] : [license],
    artifactType: AGENT_MEDIA_TYPES.artifact,
    configMediaType: AGENT_MEDIA_TYPES.artifact,
    // An image config with rootfs, as go-containerregistry writes it; without times, so that it reproduces.
    config: () =>
      JSON.stringify({
        architecture: "",
        os: "",
        config: {},
        rootfs: { type: "layers", diff_ids: [stored.digest] },
      }),
    layers: [
      {
        mediaType: AGENT_MEDIA_TYPES.yaml,
        digest: stored.digest,
        size: stored.size,
        annotations: { [ANNOTATIONS.title]: source.file.path },
      },
    ],
    annotations: {
      // docker-agent refuses an artifact with neither; it asks only that one is there.
      "io.docker.agent.version": "pratique",
      "io.docker.cagent.version": "pratique",
      ...(author === undefined ? {} : { [ANNOTATIONS.authors]: author }),
      ...(source.version === undefined ? {} : { [ANNOTATIONS.revision]: source.version }),
      ...(tags.length === 0 ? {} : { "io.docker.agent.tags": tags.join(",") }),
      [AGENT_REFERENCES_ANNOTATION]: JSON.stringify(source.references),
    },
    components: [{ type: "file", name: source.file.path, hashes: { sha256 } }],
    materials: [
      { uri: `file:${encodeURI(source.file.path)}`, digest: { sha256 }, name: source.file.path },
      ...source.references.map(({ type, reference }) => ({
        uri: `pratique:${type}/${reference}`,
        digest: {},
        name: reference,
      })),
    ],
    buildType: "https://pratique.dev/build-types/pack/agent/v1",
  };
}
