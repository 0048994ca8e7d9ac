// What has to be said of an entry before others may rely on it.
import type { Catalog, ServerEntry } from "@pratique/contracts";

export interface EntryProblem {
  readonly entry: string;
  readonly problem: string;
}

/** Entries that cannot be published as they are, and why. */
export function publishProblems({ entries }: Catalog): EntryProblem[] {
  return entries.flatMap((entry) => {
    const problem = problemOf(entry);
    return problem === undefined ? [] : [{ entry: entry.name, problem }];
  });
}

function problemOf(entry: ServerEntry): string | undefined {
  if (entry.status === "deleted") return undefined;
  if (entry.network.unstated === true) return "nobody says what it reaches";
  if (entry.image !== undefined && entry.remote !== undefined) return "it is an image and a remote server";
  if (entry.remote === undefined && entry.image?.digest === undefined) {
    return entry.source === undefined ? "it has no image by digest and no address" : "it is not packed yet";
  }
  return undefined;
}

/**
 * The catalog as it is published after `before`: each entry dated (when its version first stood in it, when it last
 * changed), and what is gone kept for a while as deleted, so that mirrors see it go.
 */
export function datedAfter(
  before: Catalog | undefined,
  after: Catalog,
  now: string,
  equal: (a: ServerEntry, b: ServerEntry) => boolean,
): Catalog {
  const old = new Map((before?.entries ?? []).map((entry) => [entry.name, entry]));
  const entries = after.entries.map((entry): ServerEntry => {
    const { publishedAt: _, updatedAt: __, ...bare } = entry;
    const was = old.get(entry.name);
    if (was === undefined) return { ...bare, publishedAt: now, updatedAt: now };
    const publishedAt = was.version === entry.version ? (was.publishedAt ?? now) : now;
    const { publishedAt: ___, updatedAt, ...bareWas } = was;
    return { ...bare, publishedAt, updatedAt: equal(bareWas, bare) ? (updatedAt ?? now) : now };
  });
  const names = new Set(entries.map(({ name }) => name));
  const gone = [...old.values()].filter(({ name }) => !names.has(name));
  const kept = gone.map((entry): ServerEntry =>
    entry.status === "deleted" ? entry : { ...entry, status: "deleted", updatedAt: now },
  );
  return { ...after, entries: [...entries, ...kept] };
}
