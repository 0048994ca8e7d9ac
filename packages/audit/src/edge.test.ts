// Growing the tree by its right edge, against the definition.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { edgeRoot, EMPTY_EDGE, extendEdge, partialFiles, type TileFile } from "./edge.ts";
import { foldSubtrees, leafHash, subtreesOf } from "./merkle.ts";
import { completeRoot } from "./edge.ts";
import { tileOf, tilePath } from "./tile.ts";

const entriesOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => Buffer.from(`entry ${from + at}`));

const rootOf = (entries: readonly Buffer[]) =>
  foldSubtrees(
    subtreesOf({ start: 0, end: entries.length }).map(({ level, index }) =>
      completeRoot(entries.slice(index * 2 ** level, (index + 1) * 2 ** level).map(leafHash)),
    ),
  );

it("gives the same root and the same files, however the entries come", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }), (batches) => {
      let edge = EMPTY_EDGE;
      const full: TileFile[] = [];
      for (const count of batches) {
        const extended = extendEdge(edge, entriesOf(edge.size, count));
        edge = extended.edge;
        full.push(...extended.full);
        expect(edgeRoot(edge)).toEqual(rootOf(entriesOf(0, edge.size)));
      }
      const once = extendEdge(EMPTY_EDGE, entriesOf(0, edge.size));
      expect(full).toEqual(once.full);
      expect(partialFiles(edge)).toEqual(partialFiles(once.edge));
    }),
    { numRuns: 30 },
  );
});

it("makes the tiles of a log of three levels", () => {
  const size = 65_536 + 256 + 3;
  const { edge, full } = extendEdge(EMPTY_EDGE, entriesOf(0, size));
  const paths = new Set([...full, ...partialFiles(edge)].map(({ path }) => path));
  const expected = (["entries", 0, 1, 2] as const).flatMap((level) =>
    Array.from({ length: 258 }, (_, index) => tileOf(level, index, size)).flatMap((tile) =>
      tile ? [tilePath(tile)] : [],
    ),
  );
  expect(paths).toEqual(new Set(expected));
  expect(edgeRoot(edge)).toEqual(rootOf(entriesOf(0, size)));
});

it("leaves the edge that it extends as it was", () => {
  const { edge } = extendEdge(EMPTY_EDGE, entriesOf(0, 255));
  const before = edgeRoot(edge);
  extendEdge(edge, entriesOf(255, 2));
  expect([edge.size, edge.bundle.length, edgeRoot(edge)]).toEqual([255, 255, before]);
});
