import { expect, it } from "vitest";
import { fitsRepository, fitsTag } from "./pattern.ts";

it.each([
  ["**", "a", true],
  ["**", "a/b/c", true],
  ["team/**", "team/a/b", true],
  ["team/**", "teams/a", false],
  ["team/*", "team/a/b", false],
  ["team/a", "team/a", true],
])("repository pattern %s fits %s: %s", (pattern, name, expected) => {
  expect(fitsRepository(pattern, name)).toBe(expected);
});

it.each([
  ["semver", "1.0.0", true],
  ["semver", "v1.2.3-rc.1", true],
  ["semver", "1.0", false],
  ["semver", "v01.0.0", false],
  ["v*", "v1", true],
  ["v*", "1", false],
  ["*", "anything", true],
])("tag pattern %s fits %s: %s", (pattern, tag, expected) => {
  expect(fitsTag([pattern], tag)).toBe(expected);
});
