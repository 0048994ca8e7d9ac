// Manifests: what is taken, what is refused, what is kept.
import { digestOf } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { artifactTypeOf, parseManifest } from "./manifest.schema.ts";
import { MEDIA_TYPES } from "./media-types.ts";

const empty = { mediaType: MEDIA_TYPES.empty, digest: digestOf("{}"), size: 2 };
const image = { schemaVersion: 2, config: empty, layers: [empty] };
const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const refused =
  (value: unknown, mediaType: string = MEDIA_TYPES.imageManifest) =>
  () =>
    parseManifest(Buffer.isBuffer(value) ? value : bytesOf(value), mediaType);

describe("parseManifest", () => {
  it("keeps members that it does not know", () => {
    const parsed = parseManifest(bytesOf({ ...image, "x-own": { a: 1 } }), MEDIA_TYPES.imageManifest);
    expect(parsed.manifest).toMatchObject({ "x-own": { a: 1 } });
  });

  it("takes Docker's manifests and lists for what they are", () => {
    expect(parseManifest(bytesOf(image), MEDIA_TYPES.dockerManifest).type).toBe("image");
    expect(parseManifest(bytesOf({ schemaVersion: 2, manifests: [] }), MEDIA_TYPES.dockerManifestList).type).toBe(
      "index",
    );
  });

  it("refuses what is no manifest", () => {
    for (const value of [
      {},
      [],
      null,
      { ...image, schemaVersion: 1 },
      { ...image, config: { ...empty, digest: "md5:1" } },
    ]) {
      expect(refused(value)).toThrow(expect.objectContaining({ code: "manifest.invalid" }));
    }
    expect(refused(Buffer.from("{"))).toThrow(expect.objectContaining({ code: "manifest.invalid" }));
    expect(refused({ ...image, config: { ...empty, size: -1 } })).toThrow(
      expect.objectContaining({ code: "manifest.invalid" }),
    );
  });

  it("refuses a manifest that two readers could take for two things", () => {
    expect(refused({ ...image, mediaType: MEDIA_TYPES.imageIndex })).toThrow(
      expect.objectContaining({ code: "manifest.invalid" }),
    );
    expect(refused({ ...image, manifests: [] })).toThrow(expect.objectContaining({ code: "manifest.invalid" }));
  });

  it("refuses what is unknown, too large or too deep", () => {
    expect(refused(image, "application/json")).toThrow(expect.objectContaining({ code: "manifest.unsupported" }));
    const large = { ...image, annotations: { a: "x".repeat(5_000_000) } };
    expect(refused(large)).toThrow(expect.objectContaining({ code: "manifest.too-large" }));
    const deep = Buffer.from(`{"schemaVersion":2,"x":${"[".repeat(1000)}${"]".repeat(1000)}}`);
    expect(refused(deep)).toThrow(
      expect.objectContaining({ code: "manifest.invalid", message: expect.stringContaining("nests") }),
    );
  });

  it("gives a manifest or a coded error for any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(refused({ ...image, config: value })).toThrow(expect.objectContaining({ code: "manifest.invalid" }));
      }),
    );
  });

  it("tells a referrer's type: its own, else its config's", () => {
    const typeOf = (value: object): string | undefined =>
      artifactTypeOf(parseManifest(bytesOf(value), MEDIA_TYPES.imageManifest));
    expect(typeOf({ ...image, artifactType: "application/x" })).toBe("application/x");
    expect(typeOf(image)).toBe(MEDIA_TYPES.empty);
  });
});
