// Components of artifacts that are no root file systems: raw weights, agents, locks.
import { readBounded } from "@pratique/core";
import { artifactTypeOf, type Descriptor, type ParsedManifest, type Repository } from "@pratique/oci";
import type { FoundPackage } from "../facts.ts";
import { isModelHead, MODEL_HEAD_BYTES, modelPackages } from "./model-packages.ts";

/** The artifact type of an agent lock; its members are what the agent was locked to. */
export const AGENT_LOCK_TYPE = "application/vnd.pratique.agent.lock.v1+json";
const TITLES = ["org.opencontainers.image.title", "org.cncf.model.filepath"];
const AGENT_REFERENCES = "dev.pratique.agent.references";
const MAX_MEMBERS = 1000;

/** Packages that lie in no file system. */
export interface ArtifactPart {
  readonly path: string;
  /** Digest, or empty. */
  readonly layer: string;
  readonly packages: readonly FoundPackage[];
}

/** The members of a lock, each by digest. */
export function lockedPackages(lock: ParsedManifest): FoundPackage[] {
  if (lock.type !== "index") return [];
  return lock.manifest.manifests.slice(0, MAX_MEMBERS).flatMap(({ digest, annotations }): FoundPackage[] => {
    const reference = annotations?.["dev.pratique.lock.reference"];
    return reference === undefined ? [] : [ociPackage(reference, digest)];
  });
}

/** What an agent names of other artifacts, when its packer wrote it down. */
export function agentPackages(parsed: ParsedManifest): FoundPackage[] {
  const text = parsed.manifest.annotations?.[AGENT_REFERENCES];
  if (text === undefined || text.length > 256 * 1024) return [];
  let listed: unknown;
  try {
    listed = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(listed)) return [];
  return listed.slice(0, MAX_MEMBERS).flatMap((one: unknown): FoundPackage[] => {
    if (typeof one !== "object" || one === null || !("reference" in one) || typeof one.reference !== "string")
      return [];
    return [ociPackage(one.reference, undefined)];
  });
}

/** `pkg:oci/name@sha256:…?repository_url=…&tag=…` (purl-spec, oci). */
function ociPackage(reference: string, digest: string | undefined): FoundPackage {
  const [named = "", pinned] = reference.split("@");
  const match = /^(.*?)(?::([\w.-]+))?$/.exec(named);
  const repository = match?.[1] ?? named;
  return {
    type: "oci",
    name: (repository.split("/").at(-1) ?? repository).toLowerCase(),
    version: digest ?? pinned ?? "",
    qualifiers: { repository_url: repository, ...(match?.[2] === undefined ? {} : { tag: match[2] }) },
    licences: [],
  };
}

/** Layers that are files by themselves: the beginning of each says whether it is a model. */
export async function rawLayerPackages(
  source: Pick<Repository, "openBlob">,
  layers: readonly Descriptor[],
  signal: AbortSignal | undefined,
): Promise<ArtifactPart[]> {
  const found: ArtifactPart[] = [];
  for (const layer of layers) {
    signal?.throwIfAborted();
    if (!mayBeModel(layer)) continue;
    const end = Math.min(layer.size, MODEL_HEAD_BYTES) - 1;
    const stream = await source.openBlob(layer.digest, { start: 0, end });
    const head = await readBounded(stream, MODEL_HEAD_BYTES, layer.digest);
    const sha256 = /^sha256:([0-9a-f]{64})$/.exec(layer.digest)?.[1];
    const path = titleOf(layer) ?? layer.digest;
    const packages = isModelHead(head) ? modelPackages(path, head, sha256) : [];
    if (packages.length > 0) found.push({ path, layer: layer.digest, packages });
  }
  return found;
}

function mayBeModel(layer: Descriptor): boolean {
  return layer.size >= 16 && /gguf|safetensors|weight|model/i.test(`${layer.mediaType} ${titleOf(layer) ?? ""}`);
}

function titleOf({ annotations }: Descriptor): string | undefined {
  return TITLES.map((key) => annotations?.[key]).find((title) => title !== undefined && title !== "");
}

export function isAgentLock(parsed: ParsedManifest): boolean {
  return artifactTypeOf(parsed) === AGENT_LOCK_TYPE;
}
