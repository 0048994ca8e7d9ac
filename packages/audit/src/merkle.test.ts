// The tree against the definition of RFC 9162 §2.1.1, written down naively.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  consistencyRanges,
  emptyRoot,
  foldSubtrees,
  inclusionRanges,
  leafHash,
  nodeHash,
  subtreesOf,
  verifyConsistency,
  verifyInclusion,
  type LeafRange,
} from "./merkle.ts";

function naiveRoot(entries: readonly Uint8Array[]): Buffer {
  if (entries.length === 0) return emptyRoot();
  if (entries.length === 1) return leafHash(entries[0]!);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return nodeHash(naiveRoot(entries.slice(0, k)), naiveRoot(entries.slice(k)));
}

const entriesOf = (size: number) => Array.from({ length: size }, (_, at) => Buffer.from(`entry ${at}`));

const hashOf = (entries: readonly Uint8Array[], range: LeafRange): Buffer =>
  foldSubtrees(
    subtreesOf(range).map(({ level, index }) => naiveRoot(entries.slice(index * 2 ** level, (index + 1) * 2 ** level))),
  );

const pair = fc.integer({ min: 1, max: 200 }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)));

it("has the empty root of RFC 6962", () => {
  expect(emptyRoot().toString("hex")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

it("has the root of the Certificate Transparency reference for its eight entries", () => {
  const hex = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  const root = naiveRoot(hex.map((entry) => Buffer.from(entry, "hex")));
  expect(root.toString("hex")).toBe("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
});

it("folds complete subtrees to the naive root", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), (size) => {
      const entries = entriesOf(size);
      expect(hashOf(entries, { start: 0, end: size })).toEqual(naiveRoot(entries));
    }),
  );
});

describe("inclusion", () => {
  it("is proved for every entry, and for no other", () => {
    fc.assert(
      fc.property(pair, ([index, size]) => {
        const entries = entriesOf(size);
        const path = inclusionRanges(index, size).map((range) => hashOf(entries, range));
        const root = naiveRoot(entries);
        const leaf = leafHash(entries[index]!);
        expect(verifyInclusion(leaf, index, size, path, root)).toBe(true);
        expect(verifyInclusion(leafHash(Buffer.from("other")), index, size, path, root)).toBe(false);
        expect(verifyInclusion(leaf, index, size, [...path, root], root)).toBe(false);
        expect(size > 1 && verifyInclusion(leaf, (index + 1) % size, size, path, root)).toBe(false);
        expect(size > 1 && verifyInclusion(leaf, index, size, path.slice(1), root)).toBe(false);
      }),
    );
  });

  it("is refused for numbers that are no counts", () => {
    const leaf = leafHash(Buffer.from("x"));
    for (const [index, size] of [
      [-1, 1],
      [0, 0],
      [1, 1],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      expect(verifyInclusion(leaf, index, size, [], leaf)).toBe(false);
    }
  });
});

describe("consistency", () => {
  it("is proved for every older size, and for no other history", () => {
    fc.assert(
      fc.property(pair, fc.nat(), ([index, size], flip) => {
        const entries = entriesOf(size);
        const oldSize = index + 1;
        const path = consistencyRanges(oldSize, size).map((range) => hashOf(entries, range));
        const [oldRoot, root] = [naiveRoot(entries.slice(0, oldSize)), naiveRoot(entries)];
        expect(verifyConsistency(oldSize, size, path, oldRoot, root)).toBe(true);
        expect(oldSize < size && verifyConsistency(oldSize, size, path, root, root)).toBe(false);
        expect(verifyConsistency(oldSize, size, [...path, root], oldRoot, root)).toBe(false);
        const forged = entries.slice(0, oldSize).with(flip % Math.max(oldSize, 1), Buffer.from("forged"));
        expect(verifyConsistency(oldSize, size, path, naiveRoot(forged), root)).toBe(false);
      }),
    );
  });

  it("is proved between equal sizes by nothing", () => {
    const root = naiveRoot(entriesOf(7));
    expect(consistencyRanges(7, 7)).toEqual([]);
    expect(verifyConsistency(7, 7, [], root, root)).toBe(true);
    expect(verifyConsistency(8, 7, [], root, root)).toBe(false);
  });
});
