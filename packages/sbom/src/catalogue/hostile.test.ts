// Images made to harm: nothing grows past its bounds, nothing is left out in silence, and nothing but the codes comes out.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { isPratiqueError } from "@pratique/core";
import type { Catalogue, CatalogueLimits } from "./catalogue.ts";
import { catalogueArtifact } from "./catalogue-artifact.ts";
import { ImageFixture, layerOf, npmFile, tarOf, type FixtureLayer } from "./layer/tar.fixture.ts";

const read = (layers: readonly FixtureLayer[], limits?: Partial<CatalogueLimits>): Promise<Catalogue> => {
  const fixture = new ImageFixture();
  return catalogueArtifact(fixture.source, fixture.image(layers), { limits });
};

const codeOf = (error: unknown): string => (isPratiqueError(error) ? error.code : String(error));
const good = npmFile("node_modules/a/package.json", "a", "1.0.0");

describe("a layer is refused", () => {
  const sound = gzipSync(tarOf([good, { path: "b", body: Buffer.alloc(5000, 1) }]));
  it.each<[string, string, Buffer, Partial<CatalogueLimits>]>([
    ["that is cut off", "catalogue.layer-damaged", sound.subarray(0, sound.length - 20), {}],
    ["whose archive is cut off", "catalogue.layer-damaged", gzipSync(tarOf([good]).subarray(0, 530)), {}],
    ["that is no archive", "catalogue.layer-damaged", Buffer.from("no archive at all, ".repeat(100)), {}],
    ["with a wrong checksum", "catalogue.layer-damaged", gzipSync(Buffer.concat([Buffer.alloc(512, 1)])), {}],
    ["with a size that is no number", "catalogue.layer-damaged", gzipSync(badSize()), {}],
    ["with more entries than allowed", "catalogue.too-large", gzipSync(tarOf(many(30))), { maxEntries: 20 }],
    ["that unpacks to more than allowed", "catalogue.too-large", sound, { maxBytes: 4096 }],
    ["with more packages than allowed", "catalogue.too-large", gzipSync(tarOf(packages(30))), { maxPackages: 20 }],
    [
      "with an endless extended header",
      "catalogue.layer-damaged",
      gzipSync(tarOf([{ path: "x", type: "x", size: 2 ** 31 }])),
      {},
    ],
  ])("%s", async (_, code, bytes, limits) => {
    await expect(read([{ bytes }], limits)).rejects.toMatchObject({ code });
  });

  it("that is a bomb, before it is unpacked whole", async () => {
    // Members of zeros, a thousandth of it packed; the archive says that all are one file.
    const zeros = gzipSync(Buffer.alloc(32 * 1024 ** 2));
    const head = gzipSync(tarOf([{ path: "zeros", size: 2 ** 32 }], 0));
    const bytes = Buffer.concat([head, ...Array.from({ length: 100 }, () => zeros)]);
    await expect(read([{ bytes }])).rejects.toMatchObject({ code: "catalogue.too-large" });
  });

  it("when there are too many", async () => {
    const layers = Array.from({ length: 5 }, () => layerOf(good));
    await expect(read(layers, { maxLayers: 4 })).rejects.toMatchObject({ code: "catalogue.too-large" });
  });
});

describe("what cannot be read is said, and the rest is read", () => {
  it.each([
    ["a package.json that is no JSON", { path: "node_modules/b/package.json", body: "{" }],
    ["a path that leaves the image", { path: "../../etc/passwd", body: "x" }],
    ["a path that leaves it further on", { path: "a/../../b", body: "x" }],
    ["a database with damage", { path: "var/lib/rpm/rpmdb.sqlite", body: Buffer.alloc(4096, 7) }],
    ["a changelog that is no gzip", { path: "usr/share/doc/a/changelog.Debian.gz", body: "x" }],
    [
      "a changelog that is a bomb",
      { path: "usr/share/doc/a/changelog.gz", body: gzipSync(Buffer.alloc(64 * 1024 ** 2)) },
    ],
    ["a jar that is none", { path: "a.jar", body: "PK and nothing else, but long enough to look at it" }],
    ["an executable with a damaged header", { path: "bin/a", mode: 0o755, body: elfWithWrongClass() }],
  ])("%s", async (_, entry) => {
    const { components, unread } = await read([layerOf(entry, good)]);
    expect(components.map(({ name }) => name)).toEqual(["a"]);
    expect(unread.length).toBe(1);
  });

  it("a file that is larger than what is read whole", async () => {
    const entry = { path: "node_modules/b/package.json", body: JSON.stringify({ name: "b", version: "1.0.0" }) };
    const { components, unread } = await read([layerOf(entry)], { maxFileBytes: 10 });
    expect(components).toEqual([]);
    expect(unread).toEqual([{ path: entry.path, reason: "larger than the 10 bytes that npm reads" }]);
  });

  it("links that turn in circles end", async () => {
    const links = [
      { path: "lib", type: "2", target: "usr/lib" } as const,
      { path: "usr/share/doc/a", type: "2", target: "b" } as const,
      { path: "usr/share/doc/b", type: "2", target: "a" } as const,
      { path: "var/lib/dpkg/status", body: "Package: a\nVersion: 1\nStatus: install ok installed\n" },
      { path: "x/package.json", type: "1", target: "y/package.json" } as const,
      { path: "y/package.json", type: "1", target: "x/package.json" } as const,
    ];
    expect((await read([layerOf(...links, good)])).components.map(({ name }) => name)).toEqual(["a", "a"]);
  });
});

describe("whatever is changed in a layer", () => {
  const sound = tarOf([
    good,
    { path: "etc/os-release", body: "ID=debian\nVERSION_ID=12\n" },
    { path: "var/lib/dpkg/status", body: "Package: a\nVersion: 1\nStatus: install ok installed\n" },
    { path: "a/.wh.b" },
    { path: "l", type: "1", target: "node_modules/a/package.json" },
  ]);

  it("gives a catalogue or a code", async () => {
    const change = fc.record({ at: fc.nat(sound.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 5 }),
        fc.nat(sound.length),
        fc.boolean(),
        async (changes, cut, isPacked) => {
          const bytes = Buffer.from(sound);
          for (const { at, byte } of changes) bytes[at] = byte;
          const part = cut % 4 === 0 ? bytes.subarray(0, cut) : bytes;
          const code = await read([{ bytes: isPacked ? gzipSync(part) : part }]).then(() => "read", codeOf);
          expect(code).toMatch(/^(?:read|catalogue\.(?:layer-damaged|too-large))$/);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("or how it is cut into pieces, says the same", async () => {
    const { scanLayer } = await import("./layer/scan-layer.ts");
    const { imageDetector } = await import("./detect/image-detectors.ts");
    const { CATALOGUE_LIMITS: limits } = await import("./catalogue.ts");
    const scan = async (size: number): Promise<unknown> => {
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < sound.length; at += size) yield sound.subarray(at, at + size);
      }
      const budget = { entries: 100, bytes: 1e9, packages: 100 };
      return scanLayer(pieces(), { detectorOf: imageDetector, limits, budget });
    };
    const whole = await scan(sound.length);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1500 }), async (size) => {
        expect(await scan(size)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });
});

function many(count: number) {
  return Array.from({ length: count }, (_, at) => ({ path: `f${at}` }));
}

function packages(count: number) {
  return Array.from({ length: count }, (_, at) => npmFile(`node_modules/p${at}/package.json`, `p${at}`, "1.0.0"));
}

function badSize(): Buffer {
  const block = tarOf([{ path: "a" }]);
  block.write("zzz", 124, "latin1");
  block.write("        ", 148, "latin1");
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148, "latin1");
  return block;
}

function elfWithWrongClass(): Buffer {
  const elf = Buffer.alloc(60);
  elf.write("\u007fELF", "latin1");
  elf.set([2, 1, 1], 4);
  return elf;
}
