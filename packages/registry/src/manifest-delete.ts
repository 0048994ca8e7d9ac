// `DELETE /v2/<name>/manifests/<reference>` (end-9): a tag, or a manifest with all tags that point at it.
import { isDigest, isJsonObject, isPratiqueError, type Digest } from "@pratique/core";
import { ociErrors, type LocalRepository } from "@pratique/oci";
import { actOf, perform } from "./act.ts";
import { sendEmpty, type Exchange, type RegistryParts } from "./exchange.ts";
import { alignFallbackTag, dropList, fallbackTag, subjectOf } from "./fallback-tag.ts";
import { findManifest } from "./manifest-download.ts";

/** A manifest can be held by so many superseded lists of referrers before its deletion is refused. */
const LISTS_LIMIT = 100;

export async function deleteManifest(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  reference: string,
): Promise<void> {
  const descriptor = await findManifest(parts, exchange, name, reference, "artifact:delete");
  const artifact = await parts.evidence(name, descriptor);
  const facts = isDigest(reference)
    ? {}
    : { context: { tag: reference, tagExists: true, immutable: parts.isImmutable?.(name, reference) === true } };
  const act = actOf(exchange, "artifact:delete", artifact, facts);
  await perform(parts.guard, act, () =>
    parts.line.run(name, async () => {
      const repository = parts.store.repository(name);
      const isGone = isDigest(reference)
        ? await deleteByDigest(repository, reference)
        : await repository.deleteTag(reference);
      if (!isGone) throw ociErrors("manifest.not-found", { repository: name, reference });
    }),
  );
  sendEmpty(exchange.res, 202, { "Docker-Content-Digest": descriptor.digest });
}

async function deleteByDigest(repository: LocalRepository, digest: Digest): Promise<boolean> {
  const subject = await subjectOf(repository, digest);
  if (subject === undefined) return repository.deleteManifest(digest);
  // First the lists that older clients read: the store keeps what an index names.
  const tag = fallbackTag(subject);
  const before = await repository.manifest(tag);
  await alignFallbackTag(repository, subject, { without: digest });
  try {
    return await deleteReferrer(repository, digest, subject);
  } catch (error) {
    if (before !== undefined) await repository.putManifest(before.bytes, before.mediaType, tag, { sparse: true });
    throw error;
  }
}

async function deleteReferrer(repository: LocalRepository, digest: Digest, subject: Digest): Promise<boolean> {
  for (let round = 0; ; round += 1) {
    try {
      return await repository.deleteManifest(digest);
    } catch (error) {
      const parent = parentOf(error);
      const isFreed = parent !== undefined && round < LISTS_LIMIT && (await dropList(repository, parent, subject));
      if (!isFreed) throw error;
    }
  }
}

/** The index that holds a manifest, by the store's refusal. */
function parentOf(error: unknown): Digest | undefined {
  if (!isPratiqueError(error, "manifest.in-use") || !isJsonObject(error.details)) return undefined;
  const { parent } = error.details;
  return typeof parent === "string" && isDigest(parent) ? parent : undefined;
}
