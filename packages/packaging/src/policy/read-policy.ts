// A policy artifact's files: few, small, with plain paths, each checked against its digest.
import { readBounded } from "@pratique/core";
import type { Descriptor, Repository } from "@pratique/oci";
import { pathProblem } from "../archive/entry-path.ts";
import { verifiedBlob } from "../archive/verified-blob.ts";
import { ANNOTATIONS } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { readArtifact } from "../read-artifact.ts";
import { POLICY_FILE_BYTES, POLICY_LIMITS, POLICY_MEDIA_TYPES } from "./pack-policy.ts";

export interface PolicyArtifact {
  /** The pack's name. */
  readonly name: string;
  /** Text by path. */
  readonly files: ReadonlyMap<string, string>;
}

/** @throws `artifact.missing`, `artifact.malformed`, `archive.damaged` */
export async function readPolicyArtifact(repository: Repository, ref: string): Promise<PolicyArtifact> {
  const info = await readArtifact(repository, ref);
  const malformed = (reason: string, cause?: unknown): Error =>
    packagingErrors(
      "artifact.malformed",
      { reference: `${repository.name}@${ref}`, kind: info.kind, reason },
      { cause },
    );
  if (info.kind !== "policy") throw malformed("it is no policy");
  const files = new Map<string, string>();
  for (const { path, bytes } of await readPolicyFiles(repository, info.layers, malformed)) {
    try {
      files.set(path, new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch (cause) {
      throw malformed(`${path} is not UTF-8`, cause);
    }
  }
  return { name: info.name, files };
}

export async function readPolicyFiles(
  repository: Repository,
  layers: readonly Descriptor[],
  malformed: (reason: string) => Error,
): Promise<{ readonly path: string; readonly bytes: Buffer }[]> {
  if (layers.length > POLICY_LIMITS.maxFiles) throw malformed(`it has more than ${POLICY_LIMITS.maxFiles} files`);
  const seen = new Set<string>();
  const files: { path: string; bytes: Buffer }[] = [];
  for (const layer of layers) {
    const path = layer.annotations?.[ANNOTATIONS.title];
    if (layer.mediaType !== POLICY_MEDIA_TYPES.file || path === undefined) throw malformed("a layer is no policy file");
    const problem = pathProblem(path) ?? (seen.has(path) ? "it is there twice" : undefined);
    if (problem !== undefined) throw malformed(`the name of a file is not accepted: ${problem}`);
    if (layer.size > POLICY_FILE_BYTES) throw malformed("a file is larger than 256 KiB");
    seen.add(path);
    files.push({ path, bytes: await readBounded(verifiedBlob(repository, layer), POLICY_FILE_BYTES, path) });
  }
  return files;
}
