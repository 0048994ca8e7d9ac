// What one document lacks to be another, and how it is put back.
import type { Json } from "@pratique/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyPatch, patchBetween, readPatch } from "./json-patch.ts";

const json = fc
  .jsonValue({ maxDepth: 4 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes("__proto__"))
  .map((text): Json => JSON.parse(text) as Json);

describe("a patch", () => {
  it("makes any document of any other, also after it was stored", () => {
    fc.assert(
      fc.property(json, json, (base, wanted) => {
        const steps = readPatch(JSON.parse(JSON.stringify(patchBetween(base, wanted))) as Json);
        expect(applyPatch(base, steps!)).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });

  it("is empty between equal documents, whatever the order of their members", () => {
    expect(patchBetween({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toEqual([]);
  });

  it("never breaks a document that it was not made for", () => {
    fc.assert(
      fc.property(json, json, json, (base, wanted, other) => {
        expect(JSON.stringify(applyPatch(other, patchBetween(base, wanted)))).not.toBe(undefined);
      }),
      { numRuns: 100 },
    );
  });

  it("adds a member __proto__ as a member", () => {
    const patched = applyPatch({}, [{ op: "add", path: "/__proto__", value: { admin: true } }]);
    expect(Object.keys(patched ?? {})).toEqual(["__proto__"]);
    expect(({} as { admin?: boolean }).admin).toBe(undefined);
  });

  it.each([[1], [{}], [[{ op: "move", path: "/a" }]], [[{ op: "add", path: "/a" }]], [[{ path: 1 }]]])(
    "is none: %j",
    (value) => {
      expect(readPatch(value as Json)).toBe(undefined);
    },
  );
});
