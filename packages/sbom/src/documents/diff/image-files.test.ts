// The files of an image as a container sees them, whatever its layers hide and whatever lies in them.
import { describe, expect, it } from "vitest";
import { ImageFixture, layerOf } from "../../catalogue/layer/tar.fixture.ts";
import { imageFiles, type LayerFiles } from "./image-files.ts";

const BASE = layerOf(
  { path: "etc/", type: "5" },
  { path: "etc/one", body: "1" },
  { path: "etc/two", body: "2" },
  { path: "srv/deep/a", body: "a" },
  { path: "srv/deep/b", body: "b" },
  { path: "opt/was/directory", body: "x" },
  { path: "bin/sh", type: "2", target: "dash" },
);

describe("imageFiles", () => {
  it("hides what whiteouts, opaque directories and files in the place of directories hide", async () => {
    const fixture = new ImageFixture();
    const upper = layerOf(
      { path: "etc/.wh.one" },
      { path: "srv/deep/.wh..wh..opq" },
      { path: "srv/deep/c", body: "c" },
      { path: "opt/was", body: "a file now" },
      { path: "etc/two", body: "3" },
    );
    const { files, isComplete } = await imageFiles(fixture.source, fixture.image([BASE, upper]).digest);
    expect([...files.keys()].sort()).toEqual(["bin/sh", "etc/two", "opt/was", "srv/deep/c"]);
    expect(isComplete).toBe(true);
  });

  it("tells files apart by content, mode, type and target, and reads a layer once for both sides", async () => {
    const fixture = new ImageFixture();
    const other = layerOf(
      { path: "etc/one", body: "1", mode: 0o755 },
      { path: "etc/two", body: "2" },
      { path: "srv/deep/a", body: "b" },
      { path: "bin/sh", type: "2", target: "bash" },
    );
    const known = new Map<string, LayerFiles>();
    const before = await imageFiles(fixture.source, fixture.image([BASE]).digest, { known });
    const after = await imageFiles(fixture.source, fixture.image([BASE, other]).digest, { known });
    const changed = [...after.files].filter(([path, { identity }]) => before.files.get(path)?.identity !== identity);
    expect(changed.map(([path]) => path).sort()).toEqual(["bin/sh", "etc/one", "srv/deep/a"]);
    expect(fixture.opened).toBe(2);
  });

  it("leaves out what leaves the image, and says that it is not all", async () => {
    const fixture = new ImageFixture();
    const hostile = layerOf({ path: "../etc/passwd", body: "x" }, { path: "etc/ok", body: "y" });
    const { files, isComplete } = await imageFiles(fixture.source, fixture.image([hostile]).digest);
    expect([[...files.keys()], isComplete]).toEqual([["etc/ok"], false]);
  });

  it("refuses a layer that is damaged, one that is too much, and an image that is not there", async () => {
    const fixture = new ImageFixture();
    const broken = fixture.image([{ bytes: BASE.bytes.subarray(0, 60) }]).digest;
    await expect(imageFiles(fixture.source, broken)).rejects.toMatchObject({ code: "catalogue.layer-damaged" });
    const { digest } = fixture.image([BASE]);
    await expect(imageFiles(fixture.source, digest, { limits: { maxEntries: 3 } })).rejects.toMatchObject({
      code: "catalogue.too-large",
    });
    await expect(imageFiles(fixture.source, `sha256:${"0".repeat(64)}`)).rejects.toMatchObject({
      code: "catalogue.not-found",
    });
  });
});
