// Directories of every kind, packed into a real content store and unpacked again.
import { readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { parseManifest } from "@pratique/oci";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectKind } from "./detect-kind.ts";
import { readArtifact } from "./read-artifact.ts";
import { readSkillFiles } from "./skill/skill-files.ts";
import { filesBelow, openWorkbench, type Workbench } from "./workbench.fixture.ts";
import { unpackArtifact } from "./unpack-artifact.ts";

const VOYAGE = join(import.meta.dirname, "../../../examples/voyage");
const SKILL = "---\nname: notes\ndescription: Use it\nlicense: MIT\n---\n\n# Notes\n";
let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

describe("detectKind", () => {
  it("knows each kind of the voyage", async () => {
    const folders = ["model", "harbour", "skill/harbour-notes", "agent", "rogue"];
    expect(await Promise.all(folders.map((folder) => detectKind(join(VOYAGE, folder))))).toEqual([
      "model",
      "mcp-server",
      "skill",
      "agent",
      "skill",
    ]);
  });

  it("says what each kind needs when a directory is none", async () => {
    const directory = await bench.directory("nothing", { "readme.txt": "hi" });
    await expect(detectKind(directory)).rejects.toMatchObject({
      code: "artifact.unknown-kind",
      hint: expect.stringMatching(/\.gguf.*server\.json.*SKILL\.md.*agent\.yaml/),
      details: { needs: { model: expect.any(String), skill: expect.any(String) } },
    });
    await expect(detectKind(join(bench.home, "absent"))).rejects.toMatchObject({ code: "artifact.no-directory" });
  });

  it("asks which when a directory could be two", async () => {
    const directory = await bench.directory("two", { "SKILL.md": SKILL, "agent.yaml": "agents: {}" });
    await expect(detectKind(directory)).rejects.toMatchObject({ code: "artifact.ambiguous-kind" });
  });
});

describe("packDirectory", () => {
  it("gives the same digest for the same input, whenever it is packed, and says no time of its own", async () => {
    const directory = await bench.directory("same/notes", { "SKILL.md": SKILL });
    const repository = bench.repository("test/same");
    const first = await bench.pack(directory, { repository });
    bench.clock.advance(60_000);
    expect((await bench.pack(directory, { repository })).descriptor.digest).toBe(first.descriptor.digest);
    await bench.directory("same/notes", { "more.md": "more" });
    const changed = await bench.pack(directory, { repository });
    expect(changed.descriptor.digest).not.toBe(first.descriptor.digest);
    expect((await readArtifact(repository, "1")).created).toBe("1970-01-01T00:00:00Z");
  });

  it("takes the time it is given, so that two machines agree", async () => {
    const directory = await bench.directory("time/notes", { "SKILL.md": SKILL, "a/b.txt": "b" });
    const createdAt = new Date("2025-05-05T05:05:05.500Z");
    const one = await bench.pack(directory, { repository: bench.repository("test/one"), createdAt });
    const two = await bench.pack(directory, { repository: bench.repository("test/two"), createdAt });
    expect(one.descriptor.digest).toBe(two.descriptor.digest);
    expect((await readArtifact(bench.repository("test/one"), "1")).created).toBe("2025-05-05T05:05:05Z");
  });

  it("shows the tag only after what is attached", async () => {
    const directory = await bench.directory("attach/notes", { "SKILL.md": SKILL });
    const repository = bench.repository("test/attach");
    const seen: string[][] = [];
    const packed = await bench.pack(directory, {
      repository: () => repository,
      attach: async (to, { descriptor }) => {
        seen.push(await to.tags());
        expect(await to.manifest(descriptor.digest)).toBeDefined();
        return undefined;
      },
    });
    expect(seen).toEqual([[]]);
    expect(await repository.tags()).toEqual(["1"]);
    expect(packed).toMatchObject({ repository: "test/attach", tag: "1", version: "1" });
  });

  it("leaves no tag when what is attached fails", async () => {
    const directory = await bench.directory("fails/notes", { "SKILL.md": SKILL });
    const repository = bench.repository("test/fails");
    const attach = (): Promise<never> => Promise.reject(new Error("no key"));
    await expect(bench.pack(directory, { repository, attach })).rejects.toThrow("no key");
    expect(await repository.tags()).toEqual([]);
  });

  it("refuses links, and kinds that no directory becomes", async () => {
    const directory = await bench.directory("link/notes", { "SKILL.md": SKILL });
    await symlink("/etc/passwd", join(directory, "passwd"));
    await expect(bench.pack(directory)).rejects.toMatchObject({ code: "artifact.unsafe-file" });
    await expect(bench.pack(directory, { kind: "image" })).rejects.toMatchObject({
      code: "artifact.kind-not-packable",
    });
  });
});

describe("a model", () => {
  it("is a ModelPack artifact with one raw layer a file", async () => {
    const repository = bench.repository("test/model");
    const packed = await bench.pack(join(VOYAGE, "model"), { repository });
    expect(packed).toMatchObject({ kind: "model", name: "voyage", licences: ["Apache-2.0"] });
    expect(packed.components[0]).toMatchObject({ type: "machine-learning-model", model: expect.any(Object) });
    const info = await readArtifact(repository, "1");
    expect(info).toMatchObject({
      kind: "model",
      format: "modelpack",
      layers: expect.arrayContaining([
        expect.objectContaining({ mediaType: "application/vnd.cncf.model.weight.v1.raw", size: 418_176 }),
      ]),
      annotations: { "dev.pratique.kind": "model", "dev.pratique.model.context-length": "512" },
    });
    const manifest = await repository.manifest("1");
    const parsed = parseManifest(manifest?.bytes ?? Buffer.alloc(0), manifest?.mediaType ?? "");
    expect(parsed.manifest.artifactType).toBe("application/vnd.cncf.model.manifest.v1+json");
    const target = join(bench.home, "out/model");
    await unpackArtifact({ repository, ref: "1", directory: target });
    expect(await filesBelow(target)).toEqual(await filesBelow(join(VOYAGE, "model")));
  });

  it("needs all of its parts", async () => {
    const directory = await bench.directory("shards", { "m-00001-of-00002.gguf": "GGUF" });
    await expect(bench.pack(directory)).rejects.toMatchObject({
      code: "model.shard-missing",
      message: expect.stringContaining("m-00002-of-00002.gguf"),
    });
  });
});

describe("a skill", () => {
  it("comes back as it went, whatever is in it", async () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9 ._-]{0,20}[a-z0-9]$/).filter((n) => !n.includes(".."));
    const files = fc.dictionary(
      fc.array(name, { minLength: 1, maxLength: 3 }).map((p) => `x${p.join("/y")}`),
      fc.uint8Array({ maxLength: 500 }),
      { maxKeys: 6 },
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(files, async (extra) => {
        count += 1;
        const clash = Object.keys(extra).some((path) =>
          Object.keys(extra).some((other) => other.startsWith(`${path}/`)),
        );
        fc.pre(!clash);
        const directory = await bench.directory(`round/${count}/notes`, { ...extra, "SKILL.md": SKILL });
        const repository = bench.repository("test/round");
        await bench.pack(directory, { repository });
        const target = join(bench.home, `round/${count}/out`);
        await unpackArtifact({ repository, ref: "1", directory: target });
        expect(await filesBelow(join(target, "notes"))).toEqual(await filesBelow(directory));
      }),
      { numRuns: 20 },
    );
  });

  it("is read as instructions and the texts beside them", async () => {
    const repository = bench.repository("test/texts");
    await bench.pack(join(VOYAGE, "skill/harbour-notes"), { repository });
    const skill = await readSkillFiles(repository, "1");
    expect(skill).toMatchObject({ name: "harbour-notes", body: expect.stringContaining("# Harbour notes") });
    expect(Object.keys(skill.files)).toEqual(["references/format.md"]);
  });

  it("is refused with every rule that it breaks", async () => {
    const directory = await bench.directory("bad/notes", { "SKILL.md": "---\nname: Other\nversion: 1\n---\n" });
    await expect(bench.pack(directory)).rejects.toMatchObject({
      code: "skill.invalid",
      details: [
        expect.stringContaining("Unexpected fields"),
        expect.stringContaining("lowercase"),
        expect.stringContaining("must match"),
        expect.stringContaining("description"),
      ],
    });
  });
});

describe("an agent", () => {
  it("is one layer with the author's bytes, and names what it needs", async () => {
    const repository = bench.repository("test/agent");
    const packed = await bench.pack(join(VOYAGE, "agent"), { repository });
    const info = await readArtifact(repository, "1");
    expect(info).toMatchObject({
      kind: "agent",
      version: "1.0.0",
      yaml: expect.stringContaining("You are Voyage"),
      layers: [{ mediaType: "application/yaml" }],
      config: { mediaType: "application/vnd.docker.agent.config.v1+json" },
      annotations: { "io.docker.agent.version": expect.any(String), "io.docker.cagent.version": expect.any(String) },
    });
    expect(packed.materials.map(({ uri }) => uri)).toEqual([
      "file:agent.yaml",
      "pratique:model/voyage/harbour-model:1.0.0",
      "pratique:mcp-server/voyage/harbour:1.0.0",
      "pratique:skill/harbour-notes",
    ]);
    const target = join(bench.home, "out/agent");
    await unpackArtifact({ repository, ref: "1", directory: target });
    expect(await readdir(target)).toEqual(["agent.yaml"]);
  });

  it.each([
    ["a key twice", "agents:\n  root: {}\n  root: {}\n", /unique/i],
    ["no agents", "models: {}\n", /agents/],
    ["no mapping", "- a\n", /mapping/],
    ["broken YAML", "agents: [\n", /line/],
  ])("is refused with %s", async (name, yaml, message) => {
    const directory = await bench.directory(`agents/${name.replace(" ", "-")}`, { "agent.yaml": yaml });
    await expect(bench.pack(directory)).rejects.toMatchObject({
      code: "agent.not-yaml",
      message: expect.stringMatching(message),
    });
  });
});
