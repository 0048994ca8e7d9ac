// A catalog's author does not stop the daemon with a pattern.
import { expect, it } from "vitest";
import { boundedPattern } from "./bounded-pattern.ts";
import { fillEntry } from "./fill-entry.ts";
import { ServerEntry } from "@pratique/contracts";

it.each(["^(a+)+$", "^(a|a)*$", "^(?:a?){30}a{30}$", "(a)\\1", "a*a*a*b", "(?=a)b", "a{1,9999}"])(
  "refuses %s",
  (pattern) => expect(() => boundedPattern(pattern, "u")).toThrow("could take too long"),
);

it.each([
  ["^https?://[^/]+$", "https://example.com", true],
  ["^[a-z0-9-]{1,63}$", "my-host", true],
  ["^\\d+$", "12x", false],
  ["^[A-Z]{2}$", "x".repeat(600), false],
])("takes %s", (pattern, text, matches) => expect(boundedPattern(pattern, "u").test(text)).toBe(matches));

it("says so where an entry's values are checked", async () => {
  const config = {
    type: "object",
    properties: { a: { type: "string", pattern: "^(a+)+$", default: `${"a".repeat(40)}b` } },
  };
  const entry = ServerEntry.parse({ name: "a", network: { hosts: [] }, config });
  await expect(fillEntry(entry, {})).rejects.toMatchObject({ code: "catalog.values-invalid" });
});
