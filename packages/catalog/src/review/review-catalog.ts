// Change review of a whole list: entries that came, went and changed.
import type { Catalog, ServerEntry } from "@pratique/contracts";
import type { CatalogChange } from "./change.ts";
import { reviewEntry } from "./review-entry.ts";

export interface CatalogReview {
  readonly changes: readonly CatalogChange[];
  /** Some entry may do what it could not before, and somebody has to accept that. */
  readonly widens: boolean;
}

/** `before` undefined: nothing was published yet, and every entry is new. */
export function reviewCatalog(before: Catalog | undefined, after: Catalog): CatalogReview {
  const old = new Map((before?.entries ?? []).map((entry) => [entry.name, entry]));
  const now = new Map(after.entries.map((entry) => [entry.name, entry]));
  const changes: CatalogChange[] = [];
  for (const name of [...new Set([...old.keys(), ...now.keys()])].toSorted()) {
    const [was, is] = [old.get(name), now.get(name)];
    const isThere = is !== undefined && is.status !== "deleted";
    const wasThere = was !== undefined && was.status !== "deleted";
    if (is !== undefined && isThere && !wasThere) {
      changes.push({ entry: name, kind: "entry-added", effect: "widens", what: summary(is) });
    } else if (was !== undefined && wasThere && !isThere) {
      changes.push({ entry: name, kind: "entry-removed", effect: "narrows", what: "is gone" });
    } else if (was !== undefined && is !== undefined && isThere) changes.push(...reviewEntry(was, is));
  }
  return { changes, widens: changes.some(({ effect }) => effect === "widens") };
}

function summary({ tools, network, secrets, volumes, remote }: ServerEntry): string {
  const reach =
    network.unstated === true
      ? "nobody says what it reaches"
      : network.hosts.length === 0
        ? "reaches nothing"
        : `reaches ${network.hosts.slice(0, 5).join(", ")}${network.hosts.length > 5 ? ` and ${network.hosts.length - 5} more` : ""}`;
  return [
    "is new",
    remote === undefined ? undefined : `runs at ${remote.url}`,
    `${tools.length} tools, ${tools.filter(({ readOnly }) => readOnly !== true).length} of them may write`,
    reach,
    secrets.length === 0
      ? undefined
      : `gets ${secrets
          .map(({ name }) => name)
          .slice(0, 5)
          .join(", ")}`,
    volumes.length === 0 ? undefined : `sees ${volumes.length} folders`,
  ]
    .filter((part) => part !== undefined)
    .join("; ");
}
