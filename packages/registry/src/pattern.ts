// Patterns of repositories and tags, as the configuration writes them.
import { posix } from "node:path";

/** Semantic versions, with or without `v`: https://semver.org, FAQ; `+` is no letter of a tag, so there is no build. */
const SEMVER =
  /^v?(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][\w-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][\w-]*))*)?$/;

/** `team/**` fits all below `team`, `*` one part of a name. */
export function fitsRepository(pattern: string, repository: string): boolean {
  return pattern === "**" || posix.matchesGlob(repository, pattern);
}

/** `semver`, or a pattern such as `v*`. */
export function fitsTag(patterns: readonly string[], tag: string): boolean {
  return patterns.some((pattern) => {
    if (pattern === "*") return true;
    return pattern === "semver" ? SEMVER.test(tag) : posix.matchesGlob(tag, pattern);
  });
}
