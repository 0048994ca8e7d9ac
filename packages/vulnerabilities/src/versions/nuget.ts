// NuGet's version order: up to four numbers, missing ones are 0, pre-release as SemVer without case.
import { compareSemantic, parseSemantic, type SemanticVersion } from "./semver.ts";
import type { VersionOrder } from "./version-order.ts";

export const nugetOrder: VersionOrder<SemanticVersion> = {
  parse(text) {
    const parsed = parseSemantic(text.trim().toLowerCase());
    return parsed === undefined || parsed.numbers.length > 4 ? undefined : parsed;
  },
  compare: compareSemantic,
};
