// A catalog as an artifact: packed, read, written out again; and what others may have put into one.
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@pratique/core";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kindOfManifest } from "../kind-of-manifest.ts";
import { unpackArtifact } from "../unpack-artifact.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { CATALOG_MEDIA_TYPES } from "./pack-catalog.ts";
import { readCatalogArtifact } from "./read-catalog.ts";

const YAML = `name: ours
version: 1.0.0
entries:
  - name: two
    network: { hosts: [api.example.com:443] }
    image: { reference: team/two, digest: sha256:${"2".repeat(64)} }
  - name: one
    network: { hosts: [] }
    remote: { url: https://one.example.com/mcp }
`;
let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

async function directoryOf(text: string, file = "catalog.yaml"): Promise<string> {
  const directory = join(bench.home, `dir-${Math.abs(text.length)}-${file}`);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, file), text);
  return directory;
}

describe("a catalog", () => {
  it("is known by its catalog.yaml, and comes out as it is, whatever it was written in", async () => {
    const repository = bench.repository("team/ours");
    const packed = await bench.pack(await directoryOf(YAML), { repository });
    expect(packed).toMatchObject({ kind: "catalog", name: "ours", version: "1.0.0" });
    const manifest = await repository.manifest(packed.descriptor.digest);
    expect(manifest === undefined ? undefined : kindOfManifest(manifest)).toBe("catalog");
    const read = await readCatalogArtifact(repository, packed.descriptor.digest);
    expect(read.entries.map(({ name }) => name)).toEqual(["one", "two"]);
    const directory = join(bench.home, "out");
    await unpackArtifact({ repository, ref: packed.descriptor.digest, directory });
    const again = await bench.pack(directory, { repository: bench.repository("team/again"), kind: "catalog" });
    expect(again.descriptor.digest).toBe(packed.descriptor.digest);
    expect(JSON.parse(await readFile(join(directory, "catalog.json"), "utf8"))).toMatchObject({ name: "ours" });
  });

  it("has one digest, whichever order its entries stand in", async () => {
    const [head = "", ...entries] = YAML.split(/(?= {2}- name)/);
    const first = await bench.pack(await directoryOf(YAML), { repository: bench.repository("team/a") });
    const turned = await directoryOf(head + entries.toReversed().join(""), "catalog.yml");
    const second = await bench.pack(turned, { repository: bench.repository("team/b") });
    expect(second.descriptor.digest).toBe(first.descriptor.digest);
  });

  it.each([
    ["is no YAML", "name: [", "catalog.unreadable"],
    ["has an alias", "name: &a x\nversion: *a\n", "catalog.unreadable"],
    [
      "has an entry without a network statement",
      "name: x\nversion: 1.0.0\nentries: [{ name: y }]\n",
      "catalog.invalid",
    ],
    ["has an unknown key", `${YAML}extra: 1\n`, "catalog.invalid"],
    ["has a name twice", YAML.replace("name: two", "name: one"), "catalog.duplicate-entry"],
    ["nests too deeply", `name: ${"[".repeat(3000)}${"]".repeat(3000)}`, "catalog.unreadable"],
    ["nests too deeply as JSON", `${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`, "catalog.unreadable"],
    ["has a member __proto__", '{"__proto__":{"name":"x"}}', "catalog.unreadable"],
  ])("that %s is not packed", async (_, text, code) => {
    await expect(bench.pack(await directoryOf(text))).rejects.toMatchObject({ code });
  });

  it("is no link", async () => {
    const directory = join(bench.home, "linked");
    await mkdir(directory);
    await symlink("/etc/passwd", join(directory, "catalog.yaml"));
    await expect(bench.pack(directory, { kind: "catalog" })).rejects.toMatchObject({ code: "artifact.unsafe-file" });
  });
});

describe("an artifact that says it is a catalog", () => {
  async function pushed(repository: LocalRepository, layers: readonly JsonObject[]): Promise<string> {
    const config = await repository.putBlob(Buffer.from("{}"));
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      artifactType: CATALOG_MEDIA_TYPES.artifact,
      config: { mediaType: CATALOG_MEDIA_TYPES.config, ...config },
      layers,
    };
    return (await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest)).digest;
  }
  const layer = (blob: { digest: string; size: number }): JsonObject => ({
    mediaType: CATALOG_MEDIA_TYPES.layer,
    ...blob,
  });

  it.each<[string, (blob: { digest: string; size: number }) => JsonObject[], string]>([
    ["no layer", () => [], "artifact.malformed"],
    ["two layers", (blob) => [layer(blob), layer(blob)], "artifact.malformed"],
    ["a layer of another kind", (blob) => [{ ...layer(blob), mediaType: "text/plain" }], "artifact.malformed"],
    ["bytes that are none", (blob) => [layer(blob)], "catalog.unreadable"],
  ])("is refused with %s", async (_, layersOf, code) => {
    const repository = bench.repository("team/hostile");
    const blob = await repository.putBlob(Buffer.from([0xff, 0xfe, 0x00]));
    const digest = await pushed(repository, layersOf(blob));
    await expect(readCatalogArtifact(repository, digest)).rejects.toMatchObject({ code });
  });
});
