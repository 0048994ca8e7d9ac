// Paths and bytes of tiles.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBundle, decodeTile, encodeBundle, parseTilePath, tileOf, tilePath } from "./tile.ts";

describe("tile paths", () => {
  it("are those of the specification", () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe("tile/0/x001/x234/067");
    expect(tilePath({ level: "entries", index: 0, width: 12 })).toBe("tile/entries/000.p/12");
    expect(tilePath({ level: 1, index: 1000, width: 1 })).toBe("tile/1/x001/000.p/1");
  });

  it("are read back as they were written, and no other text is", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<number | "entries">("entries", 0, 1, 5),
        fc.nat(10 ** 12),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
    for (const path of [
      "tile/6/000",
      "tile/0/0",
      "tile/0/x000/001",
      "tile/0/000.p/256",
      "tile/0/000.p/0",
      "tile/0/000.p/01",
      "tile/00/000",
      "tile/0/../000",
      "/tile/0/000",
      "tile/0/000/",
      "tile/0/000\n",
    ]) {
      expect(parseTilePath(path)).toBeUndefined();
    }
  });

  it("exist as far as the log goes", () => {
    expect(tileOf(0, 0, 0)).toBeUndefined();
    expect(tileOf(0, 0, 300)?.width).toBe(256);
    expect(tileOf(0, 1, 300)?.width).toBe(44);
    expect(tileOf("entries", 1, 300)?.width).toBe(44);
    expect(tileOf(1, 0, 300)?.width).toBe(1);
    expect(tileOf(1, 0, 255)).toBeUndefined();
  });
});

describe("bundles", () => {
  it("give back their entries", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 }), (entries) => {
        expect(decodeBundle(encodeBundle(entries))).toEqual(entries.map((entry) => Buffer.from(entry)));
      }),
    );
    expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(RangeError);
  });

  it("are refused when their bytes do not come out even", () => {
    const bundle = encodeBundle([Buffer.from("abc"), Buffer.from("d")]);
    for (const length of [1, 2, 4, 6, 7]) expect(decodeBundle(bundle.subarray(0, length))).toBeUndefined();
    expect(decodeTile(new Uint8Array(33))).toBeUndefined();
  });
});
