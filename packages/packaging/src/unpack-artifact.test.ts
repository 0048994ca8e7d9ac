// Artifacts that strangers made: nothing is written unless all of it is safe.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor, type LocalRepository } from "@pratique/oci";
import { createTarPacker, type TarHeader } from "modern-tar";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openWorkbench, type Workbench } from "./workbench.fixture.ts";
import { unpackArtifact } from "./unpack-artifact.ts";

let bench: Workbench;
let repository: LocalRepository;
let outside = "";
let count = 0;
beforeAll(async () => {
  bench = await openWorkbench();
});
beforeEach(async () => {
  count += 1;
  repository = bench.repository(`hostile/${count}`);
  outside = join(bench.home, `target-${count}`);
  await mkdir(outside);
});
afterAll(() => bench.close());

const unpack = () => unpackArtifact({ repository, ref: "x", directory: join(outside, "in") });

async function tar(headers: readonly (TarHeader & { body?: string })[]): Promise<Buffer> {
  const { readable, controller } = createTarPacker();
  const bytes = new Response(readable).bytes();
  for (const { body = "", ...header } of headers) {
    const writer = controller.add(header).getWriter();
    if (body !== "") await writer.write(Buffer.from(body));
    await writer.close();
  }
  controller.finalize();
  return Buffer.from(await bytes);
}

async function put(manifest: object, ...blobs: Uint8Array[]): Promise<void> {
  for (const blob of blobs) await repository.putBlob(blob);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, ...manifest }));
  await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "x");
}

const describeBlob = (mediaType: string, blob: Uint8Array, annotations = {}): Descriptor => ({
  mediaType,
  digest: digestOf(blob),
  size: blob.byteLength,
  annotations,
});

async function putSkill(entries: readonly (TarHeader & { body?: string })[]): Promise<void> {
  const config = Buffer.from(JSON.stringify({ schemaVersion: "1", name: "notes", description: "d" }));
  const content = gzipSync(await tar(entries));
  const type = "application/vnd.agentskills.skill";
  await put(
    {
      artifactType: `${type}.v1`,
      config: describeBlob(`${type}.config.v1+json`, config),
      layers: [describeBlob(`${type}.content.v1.tar+gzip`, content)],
    },
    config,
    content,
  );
}

async function putModel(path: string, content = "GGUF"): Promise<void> {
  const [config, weights] = [Buffer.from("{}"), Buffer.from(content)];
  await put(
    {
      artifactType: "application/vnd.cncf.model.manifest.v1+json",
      config: describeBlob("application/vnd.cncf.model.config.v1+json", config),
      layers: [describeBlob("application/vnd.cncf.model.weight.v1.raw", weights, { "org.cncf.model.filepath": path })],
    },
    config,
    weights,
  );
}

describe("unpackArtifact", () => {
  it.each<[string, TarHeader & { body?: string }]>([
    ["leaves its directory", { name: "notes/../../evil", size: 1, body: "x" }],
    ["is absolute", { name: "/tmp/evil", size: 1, body: "x" }],
    ["is a symbolic link", { name: "notes/link", size: 0, type: "symlink", linkname: "/etc" }],
    ["is a hard link", { name: "notes/link", size: 0, type: "link", linkname: "/etc/passwd" }],
    ["is a device", { name: "notes/null", size: 0, type: "character-device" }],
    ["is not below the skill's name", { name: "other/file", size: 1, body: "x" }],
    ["has a file where its directory should be", { name: "notes/SKILL.md/x", size: 1, body: "x" }],
  ])("writes nothing of a skill in which an entry %s", async (_, entry) => {
    await putSkill([{ name: "notes/SKILL.md", size: 2, body: "ok" }, entry]);
    await expect(unpack()).rejects.toMatchObject({ code: "archive.unsafe" });
    expect(await readdir(outside)).toEqual([]);
  });

  it.each(["../evil.gguf", "/evil.gguf", "a//b", "a/./b", ""])(
    "writes nothing of a model with the path %j",
    async (path) => {
      await putModel(path);
      await expect(unpack()).rejects.toMatchObject({ code: "archive.unsafe" });
      expect(await readdir(outside)).toEqual([]);
    },
  );

  it("writes nothing when a skill unpacks to more than is allowed", async () => {
    const zeros = "\0".repeat(100 * 1024 * 1024);
    await putSkill([{ name: "notes/zeros", size: zeros.length, body: zeros }]);
    await expect(unpack()).rejects.toMatchObject({ code: "archive.too-large" });
    expect(await readdir(outside)).toEqual([]);
  });

  it("writes nothing when a blob is not what its digest says", async () => {
    await putModel("m.gguf", "GOOD");
    await writeFile(repository.blobPath(digestOf("GOOD"))!, "EVIL");
    await expect(unpack()).rejects.toMatchObject({
      code: expect.stringMatching(/^(archive\.damaged|digest\.mismatch)$/),
    });
    expect(await readdir(outside)).toEqual([]);
  });

  it("keeps what is there already", async () => {
    await putModel("m.gguf");
    await bench.directory(`target-${count}/in`, { mine: "x" });
    await expect(unpack()).rejects.toMatchObject({ code: "artifact.target-exists" });
    expect(await readdir(join(outside, "in"))).toEqual(["mine"]);
  });

  it("replaces what is there only when it is told to, and only by something whole", async () => {
    await putModel("m.gguf");
    const directory = await bench.directory(`target-${count}/in`, { mine: "x" });
    await unpackArtifact({ repository, ref: "x", directory, replace: true });
    expect(await readdir(directory)).toEqual(["m.gguf"]);
    await putModel("../evil");
    await expect(unpackArtifact({ repository, ref: "x", directory, replace: true })).rejects.toMatchObject({
      code: "archive.unsafe",
    });
    expect(await readdir(directory)).toEqual(["m.gguf"]);
    expect(await readdir(outside)).toEqual(["in"]);
  });

  it("fills an empty directory and removes what an interrupted try left", async () => {
    await putModel("m.gguf");
    await bench.directory(`target-${count}/.in.0123456789ab.unpacking`, { half: "x" });
    await bench.directory(`target-${count}/in`, {});
    expect(await unpack()).toEqual({ kind: "model", files: ["m.gguf"] });
    expect(await readdir(outside)).toEqual(["in"]);
  });

  it("says that an artifact is not there, or has no directory form", async () => {
    await expect(unpack()).rejects.toMatchObject({ code: "artifact.missing" });
    const config = Buffer.from("{}");
    await put({ config: describeBlob(MEDIA_TYPES.imageConfig, config), layers: [] }, config);
    await expect(unpack()).rejects.toMatchObject({ code: "artifact.not-unpackable" });
  });

  it("takes no artifact for a skill only because it says so", async () => {
    const config = Buffer.from("{}");
    const manifest = { config: describeBlob(MEDIA_TYPES.imageConfig, config), layers: [] };
    await put({ ...manifest, annotations: { "dev.pratique.kind": "skill" } }, config);
    await expect(unpack()).rejects.toMatchObject({ code: "artifact.not-unpackable" });
  });
});
