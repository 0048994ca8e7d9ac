// A policy pack's directory → an artifact with each file as a layer, titled, so that oras pulls it as it is.
import { basename, resolve } from "node:path";
import { hexOf } from "@pratique/core";
import type { LocalRepository } from "@pratique/oci";
import { ANNOTATIONS, type ArtifactPlan } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { putFile } from "../file-layer.ts";
import { listFiles, readSmallFile, type SourceFile } from "../source-files.ts";

export const POLICY_MEDIA_TYPES = {
  artifact: "application/vnd.pratique.policy.v1+json",
  config: "application/vnd.pratique.policy.config.v1+json",
  file: "application/vnd.pratique.policy.file.v1",
} as const;

/** Files of a pack and bytes of one: as many as policy itself takes. */
export const POLICY_LIMITS = { kind: "policy", maxFiles: 64, maxBytes: 4 * 1024 * 1024 } as const;
export const POLICY_FILE_BYTES = 256 * 1024;

export interface PolicySource {
  readonly name: string;
  readonly files: readonly SourceFile[];
}

/** @throws `artifact.unknown-kind` without a *.cedar file, `artifact.unsafe-file`, `artifact.too-large` */
export async function readPolicySource(directory: string): Promise<PolicySource> {
  const files = await listFiles(directory, POLICY_LIMITS);
  if (!files.some(({ path }) => /^[^/]+\.cedar$/.test(path))) {
    throw packagingErrors("artifact.unknown-kind", { directory });
  }
  for (const { path, size } of files) {
    if (size <= POLICY_FILE_BYTES) continue;
    throw packagingErrors("artifact.too-large", { directory, kind: "policy", what: `${path} is larger than 256 KiB` });
  }
  return { name: basename(resolve(directory)), files };
}

export async function planPolicy(
  source: PolicySource,
  o: { repository: LocalRepository; version: string },
): Promise<ArtifactPlan> {
  const stored = [];
  for (const file of source.files) stored.push({ file, ...(await putFile(o.repository, file)) });
  const readme = source.files.find(({ path }) => path === "README.md");
  const text = readme === undefined ? "" : (await readSmallFile(readme, POLICY_FILE_BYTES)).toString("utf8");
  const hashes = stored.map(({ file, digest }) => ({ path: file.path, sha256: hexOf(digest) }));
  return {
    kind: "policy",
    name: source.name,
    version: o.version,
    description: descriptionOf(text),
    licences: [],
    artifactType: POLICY_MEDIA_TYPES.artifact,
    configMediaType: POLICY_MEDIA_TYPES.config,
    config: () => JSON.stringify({ name: source.name, version: o.version }),
    layers: stored.map(({ file, digest, size }) => ({
      mediaType: POLICY_MEDIA_TYPES.file,
      digest,
      size,
      annotations: { [ANNOTATIONS.title]: file.path },
    })),
    annotations: {},
    components: hashes.map(({ path, sha256 }) => ({ type: "file", name: path, hashes: { sha256 } })),
    materials: hashes.map(({ path, sha256 }) => ({
      uri: `file:${encodeURI(path)}`,
      digest: { sha256 },
      name: path,
    })),
    buildType: "https://pratique.dev/build-types/pack/policy/v1",
  };
}

function descriptionOf(readme: string): string | undefined {
  const paragraph = readme.split(/\n\s*\n/).find((part) => part.trim() !== "" && !part.trim().startsWith("#"));
  return paragraph?.trim().replaceAll(/\s+/g, " ").slice(0, 300);
}
