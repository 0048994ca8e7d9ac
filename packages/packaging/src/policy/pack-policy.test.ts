// A policy pack as an artifact: packed, read, written out again; and what others may have put into one.
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@pratique/core";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kindOfManifest } from "../kind-of-manifest.ts";
import { unpackArtifact } from "../unpack-artifact.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { POLICY_MEDIA_TYPES } from "./pack-policy.ts";
import { readPolicyArtifact } from "./read-policy.ts";

const CEDAR = '@id("nothing")\nforbid (principal, action, resource);\n';
let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

async function packDirectory(): Promise<string> {
  const directory = join(bench.home, "our-pack");
  await mkdir(join(directory, "tests"), { recursive: true });
  await writeFile(join(directory, "our-pack.cedar"), CEDAR);
  await writeFile(join(directory, "README.md"), "# Ours\n\nNothing happens\nany more.\n\nMore.\n");
  await writeFile(join(directory, "tests", "our-pack.yaml"), "[]\n");
  return directory;
}

describe("a policy pack", () => {
  it("is known by its *.cedar, and comes out as it went in", async () => {
    const repository = bench.repository("team/our-pack");
    const packed = await bench.pack(await packDirectory(), { repository });
    expect(packed).toMatchObject({ kind: "policy", name: "our-pack", buildType: expect.stringContaining("policy") });
    expect(packed.materials.map(({ digest }) => Object.keys(digest))).toEqual([["sha256"], ["sha256"], ["sha256"]]);
    const manifest = await repository.manifest(packed.descriptor.digest);
    expect(manifest === undefined ? undefined : kindOfManifest(manifest)).toBe("policy");
    const read = await readPolicyArtifact(repository, packed.descriptor.digest);
    expect([...read.files.keys()].toSorted()).toEqual(["README.md", "our-pack.cedar", "tests/our-pack.yaml"]);
    expect(read.files.get("our-pack.cedar")).toBe(CEDAR);
    const directory = join(bench.home, "out");
    await unpackArtifact({ repository, ref: packed.descriptor.digest, directory });
    expect(await readFile(join(directory, "our-pack.cedar"), "utf8")).toBe(CEDAR);
  });

  it("has the same digest each time", async () => {
    const directory = await packDirectory();
    const [one, two] = [bench.repository("team/one"), bench.repository("team/two")];
    const first = await bench.pack(directory, { repository: one });
    expect((await bench.pack(directory, { repository: two })).descriptor.digest).toBe(first.descriptor.digest);
  });

  it("has no links and no large files", async () => {
    const directory = await packDirectory();
    await writeFile(join(directory, "large.cedar"), "/".repeat(300_000));
    await expect(bench.pack(directory)).rejects.toMatchObject({ code: "artifact.too-large" });
    await writeFile(join(directory, "large.cedar"), "");
    await symlink("/etc/passwd", join(directory, "link"));
    await expect(bench.pack(directory)).rejects.toMatchObject({ code: "artifact.unsafe-file" });
  });
});

describe("an artifact that says it is a policy", () => {
  async function pushed(repository: LocalRepository, layers: readonly JsonObject[]): Promise<string> {
    const config = await repository.putBlob(Buffer.from("{}"));
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      artifactType: POLICY_MEDIA_TYPES.artifact,
      config: { mediaType: POLICY_MEDIA_TYPES.config, ...config },
      layers,
    };
    return (await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest)).digest;
  }

  it.each<[string, (title: { digest: string; size: number }) => JsonObject[]]>([
    ["a path that leaves its directory", (blob) => [layer(blob, "../x.cedar")]],
    ["an absolute path", (blob) => [layer(blob, "/etc/x.cedar")]],
    ["a file twice", (blob) => [layer(blob, "x.cedar"), layer(blob, "x.cedar")]],
    ["a file without a name", (blob) => [{ mediaType: POLICY_MEDIA_TYPES.file, ...blob }]],
    [
      "a layer of another kind",
      (blob) => [{ ...layer(blob, "x.cedar"), mediaType: "application/vnd.oci.image.layer.v1.tar" }],
    ],
    ["too many files", (blob) => Array.from({ length: 65 }, (_, n) => layer(blob, `x${n}.cedar`))],
    ["bytes that are no text", (blob) => [layer(blob, "x.cedar")]],
  ])("is refused with %s", async (_, layersOf) => {
    const repository = bench.repository("team/hostile");
    const blob = await repository.putBlob(Buffer.from([0xff, 0xfe, 0x00]));
    const digest = await pushed(repository, layersOf(blob));
    await expect(readPolicyArtifact(repository, digest)).rejects.toMatchObject({ code: "artifact.malformed" });
  });

  const layer = (blob: { digest: string; size: number }, title: string): JsonObject => ({
    mediaType: POLICY_MEDIA_TYPES.file,
    ...blob,
    annotations: { "org.opencontainers.image.title": title },
  });
});
