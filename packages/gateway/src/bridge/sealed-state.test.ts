// A sealed state comes back as it was, or not at all.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { JsonObject } from "@pratique/core";
import { StateSeal } from "./sealed-state.ts";

const seal = new StateSeal(new Uint8Array(32).fill(1));
const states = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((state) => JSON.parse(JSON.stringify(state)) as JsonObject);

it("opens what it sealed, each time in another form", () => {
  fc.assert(
    fc.property(states, (state) => {
      const sealed = seal.seal(state);
      expect(seal.open(sealed)).toEqual(state);
      expect(seal.seal(state)).not.toBe(sealed);
    }),
    { numRuns: 100 },
  );
});

it("refuses it with any character altered, cut off or added", () => {
  const sealed = seal.seal({ kind: "server", state: "s".repeat(50) });
  for (let at = 0; at < sealed.length; at++) {
    for (const other of ["A", "B", "-", "=", ".", "é"]) {
      if (sealed[at] === other) continue;
      const altered = sealed.slice(0, at) + other + sealed.slice(at + 1);
      expect(() => seal.open(altered)).toThrow("is not one that this gateway gave");
    }
    expect(() => seal.open(sealed.slice(0, at))).toThrow("is not one that this gateway gave");
  }
  for (const more of ["A", "=", "\n", " ", sealed])
    expect(() => seal.open(sealed + more)).toThrow("is not one that this gateway gave");
});

it("refuses it with any bit of any byte altered", () => {
  const sealed = seal.seal({ kind: "parked", call: "c" });
  const bytes = Buffer.from(sealed.slice(3), "base64url");
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const altered = Buffer.from(bytes);
      altered[at]! ^= mask;
      expect(() => seal.open(`p1.${altered.toString("base64url")}`)).toThrow("is not one that this gateway gave");
    }),
  );
});

it("refuses what another key sealed, and what is nothing at all", () => {
  expect(() => seal.open(new StateSeal().seal({}))).toThrow("is not one that this gateway gave");
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(() => seal.open(value)).toThrow("is not one that this gateway gave");
    }),
  );
  fc.assert(
    fc.property(fc.base64String({ maxLength: 400 }), (value) => {
      expect(() => seal.open(`p1.${value}`)).toThrow("is not one that this gateway gave");
    }),
  );
  expect(() => new StateSeal(new Uint8Array(16))).toThrow("32 bytes");
});
