// Images that others built: labelled as a server, their layers untouched, and what is not minimal in them said.
import { isJsonObject } from "@pratique/core";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gzipStream } from "../archive/gzip.ts";
import { writeTar, type TarEntry } from "../archive/tar-writer.ts";
import { packSource } from "../pack-source.ts";
import { readArtifact, readConfigJson } from "../read-artifact.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { serverFromImage } from "./server-from-image.ts";
import { parseServerJson } from "./server-json.schema.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const file = (path: string): TarEntry => ({ type: "file", path, body: Buffer.from("x") });

/** Stores an image with a layer for each list of paths. */
async function image(
  name: string,
  layers: readonly (readonly string[])[],
  config: object = {},
): Promise<LocalRepository> {
  const repository = bench.repository(`from/${name}`);
  const stored = [];
  const diffIds = [];
  for (const paths of layers) {
    const stream = gzipStream(writeTar(paths.map(file)), 1);
    const { digest, size } = await repository.putBlob(stream.compressed);
    stored.push({ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", digest, size });
    diffIds.push(stream.diffId());
  }
  const body = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      created: "2020-01-01T00:00:00Z",
      author: "somebody",
      config: { Entrypoint: ["/bin/serve"], Env: ["A=1"], ...config },
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
  );
  const blob = await repository.putBlob(body);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...blob },
    layers: stored,
  };
  await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "1");
  return repository;
}

const wrap = async (
  repository: LocalRepository,
  describes?: Parameters<typeof serverFromImage>[0]["describes"],
): Promise<{ to: LocalRepository; notes: readonly string[] }> => {
  const found = await serverFromImage({ repository, ref: "1", reference: "from:1", architecture: "amd64", describes });
  const to = bench.repository(repository.name.replace("from/", "to/"));
  const { notes } = await packSource(
    { kind: "mcp-server", name: found.name, parameters: {}, plan: (target) => found.plan(target) },
    {
      repository: to,
      tag: "1",
      cacheDirectory: bench.home,
      clock: bench.clock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
    },
  );
  return { to, notes };
};

describe("an image", () => {
  it("becomes a server with its layers, its entry point and all else of its config", async () => {
    const from = await image("plain", [["app/serve"]], {
      User: "1000",
      Labels: { "org.opencontainers.image.version": "4.2.0" },
    });
    const { to, notes } = await wrap(from);
    const info = await readArtifact(to, "1");
    const original = await readArtifact(from, "1");
    expect(info).toMatchObject({ kind: "mcp-server", command: ["/bin/serve"], env: { A: "1" }, version: "4.2.0" });
    expect(info.layers.map(({ digest }) => digest)).toEqual(original.layers.map(({ digest }) => digest));
    expect(info.layers[0]?.mediaType).toBe(MEDIA_TYPES.layerTarGzip);
    const config = await readConfigJson(to, info);
    expect(config).toMatchObject({ created: "2020-01-01T00:00:00Z", author: "somebody", config: { User: "1000" } });
    const labels =
      isJsonObject(config?.["config"]) && isJsonObject(config["config"]["Labels"]) ? config["config"]["Labels"] : {};
    expect(labels["io.modelcontextprotocol.server.name"]).toBe("dev.pratique.local/plain");
    expect(parseServerJson(Buffer.from(String(labels["dev.pratique.server.json"]))).packages[0]?.registryType).toBe(
      "oci",
    );
    expect(notes).toEqual([]);
  });

  it("that runs as root, has a shell and a package manager, or starts through one says so", async () => {
    const from = await image("fat", [["bin/sh", "usr/bin/apt-get"], ["app/x"]], {
      Entrypoint: ["/bin/sh", "-c", "serve"],
    });
    const { notes } = await wrap(from);
    expect(notes.join("; ")).toMatch(/runs as root; it has a shell: bin\/sh; .*apt-get; it starts through a shell/);
  });

  it("that removed its shell in an upper layer has none", async () => {
    const { notes } = await wrap(await image("slim", [["bin/sh"], ["bin/.wh.sh"]], { User: "1" }));
    expect(notes.join()).not.toContain("shell");
  });

  it("that names another server is refused, and so is one that starts nothing", async () => {
    const serverJson = Buffer.from(
      JSON.stringify({
        name: "com.example/x",
        description: "d",
        version: "1.0.0",
        packages: [{ registryType: "oci", identifier: "from:1" }],
      }),
    );
    const server = parseServerJson(serverJson);
    const describes = { server, serverJson, package: server.packages[0]! };
    const labelled = await image("other", [["a"]], {
      Labels: { "io.modelcontextprotocol.server.name": "com.other/y" },
    });
    await expect(wrap(labelled, describes)).rejects.toMatchObject({ code: "mcp-server.name-not-proven" });
    await expect(wrap(await image("idle", [["a"]], { Entrypoint: [] }))).rejects.toMatchObject({
      code: "mcp-server.no-entry",
    });
  });
});
