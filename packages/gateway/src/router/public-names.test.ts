// Names of tools of several servers.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { publicNames } from "./public-names.ts";

const named = (lists: Record<string, string[]>) =>
  publicNames(Object.entries(lists).map(([server, names]) => ({ server, items: names.map((name) => ({ name })) })));
const names = (lists: Record<string, string[]>) => named(lists).map(({ publicName }) => publicName);

describe("public names", () => {
  it("keeps a name that only one server has", () => {
    expect(names({ a: ["x", "y"], b: ["z"] })).toEqual(["x", "y", "z"]);
  });

  it("puts the server before a name that several have", () => {
    expect(names({ a: ["x"], b: ["x", "y"] })).toEqual(["a__x", "b__x", "y"]);
  });

  it("does not let a server take another's name by listing it in the prefixed form", () => {
    const all = named({ a: ["x"], b: ["x"], c: ["a__x"] });
    expect(all.find(({ publicName }) => publicName === "a__x")?.server).toBe("a");
    expect(new Set(all.map(({ publicName }) => publicName)).size).toBe(3);
  });

  it("lets no server have a name of another's form, whether or not the other needs it now", () => {
    const of = (lists: Record<string, string[]>, name: string) =>
      named(lists).find(({ publicName }) => publicName === name)?.server;
    expect(of({ "0": ["a__x"], a: ["x"], b: ["x"] }, "a__x")).toBe("a");
    expect(of({ "0": ["a__x"], a: ["x"] }, "a__x")).toBeUndefined();
    expect(of({ a: ["a__x", "x"], b: ["x"] }, "a__x")).toBe("a");
    expect(names({ "0": ["a__x"], a: ["x"] })).toEqual(["0__a__x", "x"]);
    expect(names({ "0": ["z__x", "__"], a: ["x"] })).toEqual(["z__x", "__", "x"]);
  });

  it("gives every tool one name of its own that clients accept, whatever servers call them", () => {
    const lists = fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/),
      fc.array(fc.oneof(fc.string({ maxLength: 90 }), fc.constantFrom("x", "a__x", "x".repeat(80))), { maxLength: 8 }),
      { maxKeys: 5 },
    );
    fc.assert(
      fc.property(lists, (lists) => {
        const all = names(lists);
        expect(new Set(all).size).toBe(all.length);
        for (const name of all) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
        const distinct = Object.values(lists).reduce((sum, list) => sum + new Set(list).size, 0);
        expect(all).toHaveLength(distinct);
        expect(names(lists)).toEqual(all);
      }),
    );
  });
});
