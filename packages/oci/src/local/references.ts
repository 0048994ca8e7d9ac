// Everything that the manifests of a repository need, also through manifests that lie there without being listed.
import { isPratiqueError, type Digest } from "@pratique/core";
import type { Descriptor } from "../descriptor.schema.ts";
import { contentOf, parseManifest } from "../manifest.schema.ts";
import { isManifestMediaType } from "../media-types.ts";
import { readManifestFile } from "./layout.ts";
import type { Snapshot, StoredManifest } from "./snapshot.ts";
import { isMissing } from "./storage-error.ts";
import { blobFile } from "./store-paths.ts";

/** A manifest cannot be read that something needs: what it needs is not known. */
export interface Undecided {
  readonly manifest: Digest;
  readonly reason: string;
}

export interface References {
  readonly needed: ReadonlySet<Digest>;
  readonly undecided: Undecided | undefined;
}

/**
 * All that is reachable from the listed manifests: their bytes, what they contain, their subjects. A manifest of an
 * index (or a subject) need not be listed itself: other tools write layouts that list only the outermost index, and an
 * index may be sparse. `pause` is called between steps.
 */
export async function referencesOf(
  directory: string,
  snapshot: Snapshot,
  pause: () => Promise<void>,
): Promise<References> {
  const needed = new Set<Digest>();
  const waiting: Descriptor[] = [];
  let undecided: Undecided | undefined;
  let steps = 0;

  const addListed = (stored: StoredManifest): void => {
    needed.add(stored.descriptor.digest);
    for (const digest of stored.content) needed.add(digest);
    if (reachesOutside(stored, snapshot)) waiting.push(stored.descriptor);
  };
  for (const stored of snapshot.manifests.values()) {
    addListed(stored);
    if (++steps % 256 === 0) await pause();
  }

  const seen = new Set<Digest>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next.digest)) continue;
    seen.add(next.digest);
    needed.add(next.digest);
    await pause();
    try {
      const bytes = await readManifestFile(blobFile(directory, next.digest), next.digest);
      const parsed = parseManifest(bytes, next.mediaType);
      const { subject } = parsed.manifest;
      const content = contentOf(parsed);
      for (const { digest } of content) needed.add(digest);
      for (const one of [...content, ...(subject === undefined ? [] : [subject])]) {
        if (!isManifestMediaType(one.mediaType) || snapshot.manifests.has(one.digest)) continue;
        waiting.push(one);
      }
    } catch (error) {
      // A platform that was never pushed, a subject that is not here; or something that calls itself a manifest.
      if (isMissing(error) || isPratiqueError(error, "manifest.too-large")) continue;
      if (isPratiqueError(error, "manifest.invalid")) continue;
      undecided ??= { manifest: next.digest, reason: error instanceof Error ? error.message : "unreadable" };
    }
  }
  return { needed, undecided };
}

/** What manifests need that came since `before` was taken; undefined when that cannot be said without reading. */
export function neededSince(before: Snapshot, now: Snapshot): ReadonlySet<Digest> | undefined {
  const needed = new Set<Digest>();
  if (before === now) return needed;
  for (const [digest, stored] of now.manifests) {
    if (before.manifests.get(digest) === stored) continue;
    if (reachesOutside(stored, now)) return undefined;
    needed.add(digest);
    for (const one of stored.content) needed.add(one);
  }
  return needed;
}

/** True when it needs a manifest that is not listed. */
function reachesOutside({ isIndex, content, subject }: StoredManifest, { manifests }: Snapshot): boolean {
  if (subject !== undefined && !manifests.has(subject)) return true;
  return isIndex && [...content].some((digest) => !manifests.has(digest));
}
