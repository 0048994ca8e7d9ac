// The difference between two snapshots of a repository, as observers are told.
import type { RepositoryChange, TagChange } from "../store-observer.ts";
import type { Snapshot } from "./snapshot.ts";

export function changeBetween(repository: string, before: Snapshot, after: Snapshot): RepositoryChange {
  const tags: TagChange[] = [];
  for (const [tag, to] of after.tags) {
    const from = before.tags.get(tag);
    if (from !== to) tags.push({ tag, ...(from === undefined ? {} : { from }), to });
  }
  for (const [tag, from] of before.tags) if (!after.tags.has(tag)) tags.push({ tag, from });
  return {
    repository,
    tags,
    added: [...after.manifests.keys()].filter((digest) => !before.manifests.has(digest)),
    removed: [...before.manifests.keys()].filter((digest) => !after.manifests.has(digest)),
    tagCount: after.tags.size,
    manifestCount: after.manifests.size,
  };
}
