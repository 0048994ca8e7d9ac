// Skills as they lie in registries: six shapes, and each is read as the same skill.
import { digestOf, silentLog, systemClock } from "@pratique/core";
import { MEDIA_TYPES, openContentStore, type ContentStore, type LocalRepository } from "@pratique/oci";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeTar, type TarEntry } from "../archive/tar-writer.ts";
import { publishPlan } from "../artifact-plan.ts";
import { kindOfManifest } from "../kind-of-manifest.ts";
import { readArtifact } from "../read-artifact.ts";
import { checkFoundSkill, skillSource } from "./import-skill.ts";
import { readSkillFiles } from "./skill-files.ts";
import { skillFromArtifact } from "./skill-sources.ts";
import { encodeSkillVariants, parsePlatform } from "./skill-variants.ts";

const SKILL = "---\nname: notes\ndescription: Takes notes.\n---\n\nWrite it down.\n";
const FILES = { "SKILL.md": SKILL, "scripts/run.sh": "#!/bin/sh\n" };
const WHEREVER = { cacheDirectory: tmpdir(), clock: systemClock, log: silentLog };
const EMPTY = { mediaType: MEDIA_TYPES.empty, digest: digestOf("{}"), size: 2 };

let directory: string;
let store: ContentStore;
let repository: LocalRepository;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-skills-"));
  store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  repository = store.repository("team/notes");
  await repository.putBlob(Buffer.from("{}"));
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function blob(mediaType: string, bytes: Uint8Array | string, annotations?: Record<string, string>) {
  const stored = await repository.putBlob(Buffer.from(bytes));
  return { mediaType, ...stored, ...(annotations === undefined ? {} : { annotations }) };
}

async function archive(prefix: string, more: readonly TarEntry[] = []): Promise<Buffer> {
  const entries = Object.entries(FILES).map(([path, text]): TarEntry => ({
    type: "file",
    path: prefix + path,
    body: Buffer.from(text),
    mode: path.endsWith(".sh") ? 0o755 : 0o644,
  }));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar([...entries, ...more])) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

async function push(manifest: object, mediaType: string = MEDIA_TYPES.imageManifest): Promise<void> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...manifest }));
  await repository.putManifest(bytes, mediaType, "1");
}

const shapes: Readonly<Record<string, () => Promise<void>>> = {
  "agentskills: one archive below its name": async () => {
    const config = JSON.stringify({ schemaVersion: "1", name: "notes", description: "Takes notes." });
    await push({
      artifactType: "application/vnd.agentskills.skill.v1",
      config: await blob("application/vnd.agentskills.skill.config.v1+json", config),
      layers: [await blob("application/vnd.agentskills.skill.content.v1.tar+gzip", await archive("notes/"))],
    });
  },
  "agentskills: a layer a file": async () => {
    const layers = Object.entries(FILES).map(([path, text]) =>
      blob("application/octet-stream", text, { "org.opencontainers.image.title": path }),
    );
    await push({
      artifactType: "application/vnd.agentskills.skill.v1",
      config: EMPTY,
      layers: await Promise.all(layers),
    });
  },
  "ToolHive: an index of platforms": async () => {
    const files = Object.entries(FILES).map(([path, text]) => ({
      path,
      executable: path.endsWith(".sh"),
      bytes: Buffer.from(text),
    }));
    const found = { source: "test", directory: "notes", files };
    const source = skillSource(found, checkFoundSkill(found, false), "toolhive");
    const plan = await source.plan(repository, { repository, tag: "1", ...WHEREVER });
    await (await publishPlan(plan, { repository, tag: "1", createdAt: undefined })).pointTag();
  },
  "Alibaba ACR": async () => {
    await push({
      artifactType: "application/vnd.agent.skill.v1+json",
      config: EMPTY,
      layers: [await blob("application/vnd.agent.skill.content.v1.tar+gzip", await archive(""))],
    });
  },
  RamaLama: async () => {
    await push({
      artifactType: "application/vnd.cncf.skill.manifest.v1+json",
      config: await blob("application/vnd.cncf.skill.config.v1+json", "{}"),
      layers: [await blob("application/vnd.cncf.skill.bundle.v1.tar+gzip", await archive("notes/"))],
    });
  },
};

describe("a skill artifact", () => {
  it.each(Object.entries(shapes))("is read as what it is: %s", async (_, make) => {
    await make();
    const info = await readArtifact(repository, "1");
    expect(info.kind === "skill" ? [info.skill.name, info.skill.description] : info.kind).toEqual([
      "notes",
      "Takes notes.",
    ]);
    const files = await readSkillFiles(repository, "1");
    expect(files).toMatchObject({ name: "notes", files: { "scripts/run.sh": "#!/bin/sh\n" } });
    expect(files.body.trim()).toBe("Write it down.");
  });

  it("may be a plain image that holds one, with whatever else it holds", async () => {
    const link: TarEntry = { type: "symlink", path: "bin/sh", target: "/busybox" };
    await push({
      config: await blob("application/vnd.oci.image.config.v1+json", "{}"),
      layers: [await blob(MEDIA_TYPES.layerTarGzip, await archive("skills/notes/", [link]))],
    });
    const manifest = (await repository.manifest("1"))!;
    expect(kindOfManifest(manifest)).toBe("image");
    const found = await skillFromArtifact(repository, manifest);
    expect([found.directory, found.files.map(({ path }) => path)]).toEqual(["notes", ["SKILL.md", "scripts/run.sh"]]);
  });

  it("may differ between platforms, and each machine reads its own", async () => {
    await shapes["agentskills: one archive below its name"]!();
    const manifest = (await repository.manifest("1"))!;
    const variants = ["linux/amd64", "linux/arm64", "darwin/arm64"].map((platform) => ({
      manifest,
      platform: parsePlatform(platform),
      name: "notes",
    }));
    const bytes = encodeSkillVariants(variants);
    expect(encodeSkillVariants(variants.toReversed()).equals(bytes)).toBe(true);
    await repository.putManifest(bytes, MEDIA_TYPES.imageIndex, "1");
    expect((await readSkillFiles(repository, "1")).name).toBe("notes");
    expect(() => encodeSkillVariants([...variants, { ...variants[0]!, name: "other" }])).toThrow(/one skill/);
  });

  it.each([
    ["says another name than its SKILL.md", { name: "other" }, "notes/"],
    ["says another description than its SKILL.md", { description: "Deletes notes." }, "notes/"],
    ["lies below another name", {}, "other/"],
  ])("is refused when its config %s", async (_, change, prefix) => {
    const config = { schemaVersion: "1", name: "notes", description: "Takes notes.", ...change };
    await push({
      artifactType: "application/vnd.agentskills.skill.v1",
      config: await blob("application/vnd.agentskills.skill.config.v1+json", JSON.stringify(config)),
      layers: [await blob("application/vnd.agentskills.skill.content.v1.tar+gzip", await archive(prefix))],
    });
    await expect(readSkillFiles(repository, "1")).rejects.toMatchObject({ code: "artifact.malformed" });
  });

  it("is refused when a file's layer has an unsafe name", async () => {
    const layer = await blob("application/octet-stream", SKILL, { "org.opencontainers.image.title": "../SKILL.md" });
    await push({ artifactType: "application/vnd.agentskills.skill.v1", config: EMPTY, layers: [layer] });
    await expect(readSkillFiles(repository, "1")).rejects.toMatchObject({ code: "archive.unsafe" });
  });
});
