// Images as engines build them: what a container would see is what is catalogued.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "@pratique/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { catalogueArtifact } from "./catalogue-artifact.ts";
import { ImageFixture, layerOf, npmFile, tarOf, type FixtureLayer } from "./layer/tar.fixture.ts";

const purls = async (...layers: readonly FixtureLayer[]): Promise<string[]> => {
  const fixture = new ImageFixture();
  const { components } = await catalogueArtifact(fixture.source, fixture.image(layers));
  return components.map(({ purl }) => purl);
};

const status = (...packages: readonly (readonly [string, string])[]): string =>
  packages
    .map(
      ([name, version]) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\n`,
    )
    .join("\n");

const debian = { path: "etc/os-release", body: 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n' };

describe("layers", () => {
  const entry = npmFile("app/node_modules/a/package.json", "a", "1.0.0");

  it.each([
    ["gzip", gzipSync(tarOf([entry]))],
    ["zstd", zstdCompressSync(tarOf([entry]))],
    ["plain tar", tarOf([entry])],
    [
      "gzip in members",
      Buffer.concat([gzipSync(tarOf([entry]).subarray(0, 700)), gzipSync(tarOf([entry]).subarray(700))]),
    ],
  ])("are read when they are %s, whatever their media type says", async (_, bytes) => {
    for (const mediaType of [
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+zstd",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.oci.image.layer.v1.tar",
    ]) {
      expect(await purls({ bytes, mediaType })).toEqual(["pkg:npm/a@1.0.0"]);
    }
  });

  it("say that they are not whole when a package database is a link", async () => {
    const fixture = new ImageFixture();
    const image = fixture.image([
      layerOf(
        debian,
        { path: "var/lib/dpkg", type: "2", target: "../../opt/dpkg" },
        { path: "opt/dpkg/status", body: status(["a", "1"]) },
      ),
    ]);
    const { unread } = await catalogueArtifact(fixture.source, image);
    expect(unread.map(({ path }) => path)).toEqual(["var/lib/dpkg"]);
  });

  it("cover what lies below them", async () => {
    const below = layerOf(entry, npmFile("app/node_modules/b/package.json", "b", "1.0.0"));
    expect(await purls(below, layerOf(npmFile("app/node_modules/a/package.json", "a", "2.0.0")))).toEqual([
      "pkg:npm/a@2.0.0",
      "pkg:npm/b@1.0.0",
    ]);
    // A file that is no package any more covers one that was.
    expect(await purls(below, layerOf({ path: "app/node_modules/a/package.json", body: "{}" }))).toEqual([
      "pkg:npm/b@1.0.0",
    ]);
    expect(await purls(below, layerOf({ path: "app/node_modules/a/package.json", body: "" }))).toEqual([
      "pkg:npm/b@1.0.0",
    ]);
    // A file or a link where a directory was.
    expect(await purls(below, layerOf({ path: "app/node_modules", body: "x" }))).toEqual([]);
    expect(await purls(below, layerOf({ path: "app/node_modules/a", type: "2", target: "b" }))).toEqual([
      "pkg:npm/b@1.0.0",
    ]);
  });

  it("remove by whiteouts what lower layers brought, and nothing of their own", async () => {
    const below = layerOf(entry, npmFile("app/node_modules/b/package.json", "b", "1.0.0"));
    expect(await purls(below, layerOf({ path: "app/node_modules/.wh.a" }))).toEqual(["pkg:npm/b@1.0.0"]);
    expect(await purls(below, layerOf({ path: ".wh.app" }))).toEqual([]);
    expect(await purls(below, layerOf({ path: "./app/node_modules/a/.wh.package.json" }))).toEqual(["pkg:npm/b@1.0.0"]);
    const opaque = { path: "app/node_modules/.wh..wh..opq" };
    const own = npmFile("app/node_modules/c/package.json", "c", "1.0.0");
    expect(await purls(below, layerOf(own, opaque))).toEqual(["pkg:npm/c@1.0.0"]);
    expect(await purls(below, layerOf(opaque, own))).toEqual(["pkg:npm/c@1.0.0"]);
    expect(await purls(below, layerOf({ path: ".wh..wh..opq" }))).toEqual([]);
    expect(await purls(layerOf(entry, { path: "app/node_modules/.wh.a" }))).toEqual(["pkg:npm/a@1.0.0"]);
  });

  it("say the same of a hard link as of its file, whichever way it is named", async () => {
    const store = { path: "store/1", body: JSON.stringify({ name: "linked", version: "3.0.0" }) };
    const link = { path: "app/node_modules/linked/package.json", type: "1", target: "store/1" } as const;
    expect(await purls(layerOf(store, link))).toEqual(["pkg:npm/linked@3.0.0"]);
    expect(await purls(layerOf(store), layerOf(link))).toEqual(["pkg:npm/linked@3.0.0"]);
    const second = { path: "x/package.json", type: "1", target: "/app/node_modules/a/package.json" } as const;
    expect(await purls(layerOf(entry, second))).toEqual(["pkg:npm/a@1.0.0"]);
  });

  it("say all that a file is under each of its names", async () => {
    const both = `${JSON.stringify({ name: "a", version: "1.0.0" })}`;
    const file = { path: "app/node_modules/a/package.json", body: both };
    const python = {
      path: "usr/lib/python3/dist-packages/a.egg-info",
      body: "Metadata-Version: 2.1\nName: b\nVersion: 2.0\n\n",
    };
    const asNpm = { path: "x/package.json", type: "1", target: "usr/lib/python3/dist-packages/a.egg-info" } as const;
    const asPython = { path: "x/a.dist-info/METADATA", type: "1", target: "store/2" } as const;
    const asNpmToo = { path: "y/package.json", type: "1", target: "store/2" } as const;
    const store = { path: "store/2", body: python.body };
    // The first is Python alone, whatever it is linked as; the second is nothing by its own name.
    expect(await purls(layerOf(file, python, asNpm))).toEqual(["pkg:npm/a@1.0.0", "pkg:pypi/b@2.0"]);
    expect(await purls(layerOf(store, asNpmToo, asPython))).toEqual(["pkg:pypi/b@2.0"]);
  });

  it("are named by what they brought, also where a later one wrote the database anew", async () => {
    const fixture = new ImageFixture();
    const first = layerOf(debian, { path: "var/lib/dpkg/status", body: status(["a", "1"], ["b", "1"]) });
    const second = layerOf({ path: "var/lib/dpkg/status", body: status(["a", "1"], ["b", "2"], ["c", "1"]) });
    const image = fixture.image([first, second]);
    const digests = [...fixture.blobs.keys()];
    const { components, distribution, files } = await catalogueArtifact(fixture.source, image);
    expect(components.map(({ name, version, layer }) => [name, version, digests.indexOf(layer ?? "")])).toEqual([
      ["a", "1", 0],
      ["b", "2", 1],
      ["c", "1", 1],
    ]);
    expect(components[0]?.purl).toBe("pkg:deb/debian/a@1?arch=amd64&distro=debian-12");
    expect(distribution).toEqual({ id: "debian", version: "12", name: "Debian 12" });
    expect(files).toBe(2);
  });

  it("that come twice are read once", async () => {
    const fixture = new ImageFixture();
    const layer = layerOf(entry);
    await catalogueArtifact(fixture.source, fixture.image([layer, layer, layer]));
    expect(fixture.opened).toBe(1);
  });
});

describe("packages of a distribution", () => {
  it("own their files: what lies in them is no package of its own", async () => {
    const python = (path: string, name: string) => ({
      path,
      body: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n\n`,
    });
    expect(
      await purls(
        layerOf(
          debian,
          { path: "lib", type: "2", target: "usr/lib" },
          { path: "var/lib/dpkg/status", body: status(["python3-six", "1.16.0-4"]) },
          { path: "var/lib/dpkg/info/python3-six.list", body: "/.\n/lib/python3/dist-packages/six.egg-info\n" },
          python("usr/lib/python3/dist-packages/six.egg-info", "six"),
          python("usr/local/lib/python3.11/site-packages/flask-3.0.dist-info/METADATA", "Flask"),
        ),
      ),
    ).toEqual(["pkg:deb/debian/python3-six@1.16.0-4?arch=amd64&distro=debian-12", "pkg:pypi/flask@1.0"]);
  });

  it("own a file no more that a later layer wrote over it", async () => {
    const metadata = (version: string) => ({
      path: "usr/lib/python3/dist-packages/six.egg-info",
      body: `Name: six\nVersion: ${version}\n`,
    });
    const list = { path: "var/lib/dpkg/info/python3-six.list", body: "/usr/lib/python3/dist-packages/six.egg-info\n" };
    expect(await purls(layerOf(list, metadata("1.16")))).toEqual([]);
    expect(await purls(layerOf(list, metadata("1.16")), layerOf(metadata("1.17")))).toEqual(["pkg:pypi/six@1.17"]);
  });

  it("have licences, fixes, sources and needs from their own files", async () => {
    const fixture = new ImageFixture();
    const changelog =
      "a-src (1:2-3) bookworm; urgency=high\n\n  * Fix CVE-2024-1234 and CVE-2023-99999.\n\n -- A <a@b>\n";
    const { components } = await catalogueArtifact(
      fixture.source,
      fixture.image([
        layerOf(
          debian,
          {
            path: "var/lib/dpkg/status.d/liba",
            body: "Package: liba\nVersion: 1:2-3+b1\nArchitecture: amd64\nSource: a-src (1:2-3)\nDepends: libb (>= 1) | libc,\n libd\n",
          },
          { path: "var/lib/dpkg/status.d/libd", body: "Package: libx\nVersion: 1\nProvides: libd (= 1)\n" },
          { path: "usr/share/doc/liba", type: "2", target: "a-common" },
          {
            path: "usr/share/doc/a-common/copyright",
            body: "Files: *\nLicense: GPL-2+ or Artistic\n\nLicense: Expat\n",
          },
          { path: "usr/share/doc/liba/changelog.Debian.gz", body: gzipSync(changelog) },
        ),
      ]),
    );
    expect(components[0]).toMatchObject({
      name: "liba",
      version: "1:2-3+b1",
      purl: "pkg:deb/debian/liba@1:2-3+b1?arch=amd64&distro=debian-12",
      source: { name: "a-src", version: "1:2-3" },
      licences: ["GPL-2.0-or-later OR Artistic-1.0-Perl", "MIT"],
      fixedVulnerabilities: ["CVE-2023-99999", "CVE-2024-1234"],
      dependsOn: ["pkg:deb/debian/libx@1?distro=debian-12"],
      locations: ["var/lib/dpkg/status.d/liba"],
    });
  });

  it("that were removed are not there", async () => {
    const removed = "Package: old\nStatus: deinstall ok config-files\nVersion: 1\n";
    expect(await purls(layerOf({ path: "var/lib/dpkg/status", body: `${removed}\n${status(["new", "1"])}` }))).toEqual([
      "pkg:deb/debian/new@1?arch=amd64",
    ]);
  });
});

describe("an index", () => {
  const fixture = new ImageFixture();
  const of = (name: string, platform: object) => {
    const image = fixture.image([layerOf(npmFile("package.json", name, "1.0.0"))]);
    return { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: image.digest, size: 1, platform };
  };
  const index = fixture.index([
    of("amd", { os: "linux", architecture: "amd64" }),
    of("arm", { os: "linux", architecture: "arm64", variant: "v8" }),
    of("attestation", { os: "unknown", architecture: "unknown" }),
  ]);

  it("is read by platform", async () => {
    const arm = await catalogueArtifact(fixture.source, index, { platform: "linux/arm64" });
    expect(arm.components.map(({ name }) => name)).toEqual(["arm"]);
    const amd = await catalogueArtifact(fixture.source, index, { platform: "linux/amd64" });
    expect(amd.components.map(({ name }) => name)).toEqual(["amd"]);
  });

  it("without the platform says which ones it has", async () => {
    await expect(catalogueArtifact(fixture.source, index, { platform: "linux/s390x" })).rejects.toMatchObject({
      code: "catalogue.no-platform",
      hint: "name one of: linux/amd64, linux/arm64/v8",
    });
    await expect(catalogueArtifact(fixture.source, { digest: digestOf("nothing") })).rejects.toMatchObject({
      code: "catalogue.not-found",
    });
  });
});

describe("artifacts that are no images", () => {
  it("list the members of a lock by digest", async () => {
    const fixture = new ImageFixture();
    const digest = `sha256:${"a".repeat(64)}`;
    const annotations = { "dev.pratique.lock.reference": "localhost:7340/tools/weather:1.0" };
    const lock = fixture.index(
      [{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1, annotations }],
      {
        artifactType: "application/vnd.pratique.agent.lock.v1+json",
      },
    );
    const { components } = await catalogueArtifact(fixture.source, lock);
    expect(components[0]).toMatchObject({ type: "oci", name: "weather", version: digest, locations: [] });
  });

  it("tell a model by its header, with what it was made from", async () => {
    const fixture = new ImageFixture();
    const bytes = gguf({
      "general.name": "Harbour",
      "general.license": "apache-2.0",
      "general.base_model.0.repo_url": "https://huggingface.co/acme/base",
    });
    const mediaType = "application/vnd.docker.ai.gguf.v3";
    const { components } = await catalogueArtifact(fixture.source, fixture.image([{ bytes, mediaType }]));
    expect(components.map(({ type, namespace, name, licences }) => [type, namespace, name, licences])).toEqual([
      ["generic", undefined, "Harbour", ["apache-2.0"]],
      ["huggingface", "acme", "base", []],
    ]);
    expect(components[0]?.hashes?.["SHA256"]).toMatch(/^[0-9a-f]{64}$/);
    expect(components[0]?.dependsOn).toEqual([components[1]?.purl]);
  });

  it("find skills, servers and weights in layers, too", async () => {
    const server = { name: "io.example/weather", version: "1.2.0", packages: [{ identifier: "weather" }] };
    expect(
      await purls(
        layerOf(
          { path: "skills/xlsx/SKILL.md", body: "---\nname: xlsx\nmetadata:\n  version: '1.0'\n---\n# Xlsx\n" },
          { path: "app/server.json", body: JSON.stringify(server) },
          { path: "models/m.gguf", body: gguf({ "general.name": "m" }) },
          { path: "etc/server.json", body: '{"port": 1}' },
        ),
      ),
    ).toEqual(["pkg:agentskills/xlsx@1.0", "pkg:generic/m", "pkg:generic/mcp/io.example/weather@1.2.0"]);
  });
});

function gguf(texts: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(value)));
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const head = Buffer.alloc(24);
  head.write("GGUF", "latin1");
  head.writeUInt32LE(3, 4);
  head.writeBigUInt64LE(BigInt(Object.keys(texts).length), 16);
  const type = Buffer.from([8, 0, 0, 0]);
  return Buffer.concat([head, ...Object.entries(texts).flatMap(([key, value]) => [text(key), type, text(value)])]);
}

describe("an image that lies on this machine", () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "pratique-layers-"));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  // What does not compress makes a layer large enough for threads.
  const large = (name: string): FixtureLayer =>
    layerOf(npmFile(`${name}/package.json`, name, "1.0.0"), { path: `${name}.bin`, body: randomBytes(3 * 1024 ** 2) });

  async function local(layers: readonly FixtureLayer[]) {
    const fixture = new ImageFixture();
    const image = fixture.image(layers);
    let held = 0;
    const localFile = async (digest: string) => {
      const path = join(home, digest.replace(":", "-"));
      await writeFile(path, fixture.blobs.get(digest) ?? "");
      held += 1;
      return { path, release: () => void (held -= 1) };
    };
    return { fixture, image, source: { ...fixture.source, localFile }, held: () => held };
  }

  it("is read by threads, with the same result, and its files are let go", async () => {
    const { fixture, image, source, held } = await local([large("a"), large("b"), layerOf({ path: ".wh.a" })]);
    const catalogue = await catalogueArtifact(source, image);
    expect(fixture.opened).toBe(0);
    expect(held()).toBe(0);
    expect(catalogue.components.map(({ purl }) => purl)).toEqual(["pkg:npm/b@1.0.0"]);
    expect(catalogue).toEqual(await catalogueArtifact(fixture.source, image));
  });

  it("fails as a whole with the one layer that cannot be read", async () => {
    const { image, source, held } = await local([large("a"), { bytes: randomBytes(5 * 1024 ** 2) }]);
    await expect(catalogueArtifact(source, image)).rejects.toMatchObject({ code: "catalogue.layer-damaged" });
    expect(held()).toBe(0);
    const spent = await local([large("a"), large("b")]);
    await expect(
      catalogueArtifact(spent.source, spent.image, { limits: { maxBytes: 5 * 1024 ** 2 } }),
    ).rejects.toMatchObject({ code: "catalogue.too-large" });
  });

  it("is left when nobody waits for it any more", async () => {
    const { image, source, held } = await local([large("a"), large("b")]);
    const reason = new Error("enough");
    const controller = new AbortController();
    const reading = catalogueArtifact(source, image, { signal: controller.signal });
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect(held()).toBe(0);
  });
});
