// Referrers tag schema (distribution-spec 1.1, "Referrers Tag Schema"): where clients that do not know the referrers
// API keep their lists. Who reads such a tag is told what the API tells.
import { algorithmOf, hexOf, isDigest, type Digest } from "@pratique/core";
import { MEDIA_TYPES, parseManifest, type Descriptor, type LocalRepository } from "@pratique/oci";

const TAG = /^(sha256|sha512)-([0-9a-f]{64})$/;
const ENCODED = 64;

/** The tag under which a client without the referrers API looks for a subject's referrers. */
export function fallbackTag(subject: Digest): string {
  return `${algorithmOf(subject)}-${hexOf(subject).slice(0, ENCODED)}`;
}

/** The subject whose referrers stand under a tag. Of a sha512 the tag holds only half: its list has to tell. */
export async function subjectOfTag(repository: LocalRepository, tag: string): Promise<Digest | undefined> {
  const match = TAG.exec(tag);
  if (match === null) return undefined;
  const digest = `${match[1]}:${match[2]}`;
  if (isDigest(digest)) return digest;
  for (const listed of (await readList(repository, tag))?.manifests ?? []) {
    const subject = await subjectOf(repository, listed.digest);
    if (subject !== undefined && fallbackTag(subject) === tag) return subject;
  }
  return undefined;
}

/**
 * Makes the list under the subject's fallback tag, where there is one, name every referrer that is here, and none
 * that is not; `without` counts as gone already. A repository whose clients know the API never gets such a tag.
 */
export async function alignFallbackTag(
  repository: LocalRepository,
  subject: Digest,
  options: { readonly without?: Digest; readonly keep?: Digest } = {},
): Promise<void> {
  const tag = fallbackTag(subject);
  const list = await readList(repository, tag);
  if (list === undefined) return;
  const kept: Descriptor[] = [];
  for (const listed of list.manifests) {
    const isThere = listed.digest !== options.without && (await repository.resolve(listed.digest)) !== undefined;
    if (isThere) kept.push(listed);
  }
  const known = new Set(kept.map(({ digest }) => digest));
  const referrers = await repository.referrers(subject);
  const added = referrers.filter(({ digest }) => digest !== options.without && !known.has(digest));
  const isComplete = added.length === 0 && kept.length === list.manifests.length;
  if (isComplete) return;
  const manifests = [...kept, ...added];
  if (manifests.length === 0) await repository.deleteTag(tag);
  else await repository.putManifest(encodeList(manifests), MEDIA_TYPES.imageIndex, tag, { sparse: true });
  if (list.digest !== options.keep) await dropList(repository, list.digest, subject);
}

/**
 * Deletes a list of referrers that no tag names any more: the store would otherwise keep what it lists. False when it
 * is anything else than that.
 */
export async function dropList(repository: LocalRepository, digest: Digest, subject: Digest): Promise<boolean> {
  const list = await readList(repository, digest);
  if (list === undefined) return false;
  for (const listed of list.manifests) {
    const its = await subjectOf(repository, listed.digest);
    if (its !== undefined && its !== subject) return false;
    if (its === undefined && (await repository.resolve(listed.digest)) !== undefined) return false;
  }
  for (const tag of await repository.tags()) {
    if ((await repository.resolve(tag))?.digest === digest) return false;
  }
  return repository.deleteManifest(digest);
}

/** The subject of a manifest in the repository. */
export async function subjectOf(repository: LocalRepository, reference: string): Promise<Digest | undefined> {
  const manifest = await repository.manifest(reference);
  return manifest && parseManifest(manifest.bytes, manifest.mediaType).manifest.subject?.digest;
}

function encodeList(manifests: readonly Descriptor[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests }));
}

interface List {
  readonly digest: Digest;
  readonly manifests: readonly Descriptor[];
}

/** The list under a tag or digest; undefined when there is nothing, or something else than a list of referrers. */
async function readList(repository: LocalRepository, reference: string): Promise<List | undefined> {
  const manifest = await repository.manifest(reference);
  if (manifest === undefined) return undefined;
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type !== "index" || parsed.manifest.subject !== undefined) return undefined;
  return { digest: manifest.descriptor.digest, manifests: parsed.manifest.manifests };
}
