// Pulls of what is an upstream's, through a registry whose upstream is fake and misbehaves on command.
import { digestOf, type Digest } from "@pratique/core";
import { MEDIA_TYPES } from "@pratique/oci";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { codeOf } from "../registry.fixture.ts";
import {
  FRESHNESS_MS,
  putImage,
  putManifest,
  startBench,
  type BenchOptions,
  type FakeImage,
  type PullThroughBench,
} from "./pull-through.fixture.ts";

let bench: PullThroughBench;
afterEach(() => bench.stop());

const ALPINE = "/v2/docker.io/library/alpine";

async function withAlpine(options: BenchOptions = {}): Promise<FakeImage> {
  bench = await startBench(options);
  return putImage(bench.upstream, "library/alpine", "3");
}

/** Pulls as a client does: manifest, config, layer. */
async function pullAll(image: FakeImage, ref = "3"): Promise<Buffer> {
  const { call } = bench.registry;
  const manifest = await call("GET", `${ALPINE}/manifests/${ref}`);
  expect([manifest.status, manifest.text]).toEqual([200, image.manifest.toString()]);
  expect((await call("GET", `${ALPINE}/blobs/${image.config}`)).status).toBe(200);
  return (await call("GET", `${ALPINE}/blobs/${image.layer}`)).body;
}

const partials = (): Promise<string[]> => readdir(join(bench.registry.directory, ".pull-through"));

describe("names", () => {
  it("takes the host as first part of the name, or as ?ns=", async () => {
    const { digest } = await withAlpine();
    const paths = [
      `${ALPINE}/manifests/3`,
      "/v2/docker.io/alpine/manifests/3",
      "/v2/library/alpine/manifests/3?ns=docker.io",
      `${ALPINE}/manifests/3?ns=docker.io`,
      `${ALPINE}/manifests/3?ns=registry.test`,
    ];
    for (const path of paths) {
      const answer = await bench.registry.call("HEAD", path);
      expect([path, answer.status, answer.headers["docker-content-digest"]]).toEqual([path, 200, digest]);
    }
    expect(await bench.registry.store.repositories()).toEqual([]);
    putImage(bench.upstream, "team/app", "1");
    expect((await bench.registry.call("GET", "/v2/team/app/manifests/1?ns=local.test:5000")).status).toBe(200);
    expect((await bench.registry.call("GET", "/v2/local.test_5000/team/app/manifests/1")).status).toBe(200);
    expect(await bench.registry.store.repositories()).toEqual(["local.test_5000/team/app"]);
  });

  it("denies by name what is no upstream, and asks nobody", async () => {
    await withAlpine();
    for (const host of [
      "127.0.0.1",
      bench.upstream.host,
      "evil.example",
      "169.254.169.254",
      "docker.io.evil.example",
    ]) {
      const answer = await bench.registry.call("GET", `/v2/library/alpine/manifests/3?ns=${host}`);
      expect([answer.status, codeOf(answer)]).toEqual([403, "DENIED"]);
      expect(answer.text).toContain(host);
    }
    expect(bench.asked()).toEqual([]);
  });

  it("takes a host for nothing but itself, however it is written", async () => {
    await withAlpine();
    for (const host of [
      "",
      "DOCKER.IO",
      "docker.io.",
      "docker.io:443",
      "docker.io%2F",
      "docker.io%2Fevil",
      "docker.io%00",
      "docker.io@evil.example",
      "https://docker.io",
      "2130706433",
      "0x7f.1",
      "%5B::1%5D",
      "__proto__",
    ]) {
      const answer = await bench.registry.call("GET", `/v2/library/alpine/manifests/3?ns=${host}`);
      expect([host, answer.status, codeOf(answer)]).toEqual([host, 403, "DENIED"]);
    }
    // Named twice, the first counts, for the decision as well as for the pull.
    const twice = await bench.registry.call("GET", "/v2/library/alpine/manifests/3?ns=evil.example&ns=docker.io");
    expect(twice.status).toBe(403);
    expect((await bench.registry.call("GET", "/v2/docker.io%2Flibrary/alpine/manifests/3")).status).toBe(400);
    expect((await bench.registry.call("GET", "/v2/docker.io/../gone.example/a/manifests/3")).status).toBe(400);
    expect(bench.asked()).toEqual([]);
    // A host within a host's name is a repository there, and no way to the other.
    await bench.registry.call("GET", "/v2/gone.example/docker.io/library/alpine/manifests/3");
    await bench.registry.call("GET", "/v2/library/alpine/manifests/3?ns=gone.example");
    expect(bench.asked()).toEqual([]);
  });

  it("denies by name what looks like a host in a path, and is none of ours", async () => {
    await withAlpine();
    const { call, image, pushManifest } = bench.registry;
    for (const [first, host] of [
      ["quay.example", "quay.example"],
      ["127.0.0.1", "127.0.0.1"],
      ["localhost", "localhost"],
      ["quay.example_5000", "quay.example:5000"],
    ] as const) {
      const answer = await call("GET", `/v2/${first}/team/app/manifests/1`);
      expect([first, answer.status, codeOf(answer)]).toEqual([first, 403, "DENIED"]);
      expect(answer.text).toContain(`${host} is no upstream`);
    }
    expect((await call("GET", "/v2/team/app/manifests/1")).status).toBe(404);
    await pushManifest("our.own/app", "1", await image("our.own/app"));
    expect((await call("GET", "/v2/our.own/app/manifests/1")).status).toBe(200);
    expect(bench.asked()).toEqual([]);
  });

  it("leaves our own repositories alone", async () => {
    await withAlpine();
    const { registry } = bench;
    await registry.pushManifest("library/alpine", "3", await registry.image("library/alpine"));
    expect((await registry.call("GET", "/v2/library/alpine/manifests/3")).status).toBe(200);
    expect(bench.asked()).toEqual([]);
  });

  it("is pulled through, and not pushed to", async () => {
    await withAlpine();
    const upload = await bench.registry.call("POST", `${ALPINE}/blobs/uploads/`);
    expect([upload.status, codeOf(upload)]).toEqual([403, "DENIED"]);
    const put = await bench.registry.pushManifest("docker.io/library/alpine", "3", { schemaVersion: 2 });
    expect([put.status, codeOf(put)]).toEqual([403, "DENIED"]);
  });
});

describe("a pull", () => {
  it("asks upstream once for each thing, and keeps it under the upstream's name", async () => {
    const image = await withAlpine();
    expect(await pullAll(image)).toEqual(image.layerBytes);
    bench.upstream.requests.length = 0;
    expect(await pullAll(image)).toEqual(image.layerBytes);
    expect(await pullAll(image, image.digest)).toEqual(image.layerBytes);
    expect(bench.asked()).toEqual([]);
    const repository = bench.registry.store.repository("docker.io/library/alpine");
    expect(await repository.tags()).toEqual(["3"]);
    expect((await repository.blobs()).map(({ digest }) => digest).sort()).toEqual(
      [image.digest, image.config, image.layer].sort(),
    );
    await expect.poll(partials).toEqual([]);
  });

  it("is recorded with the upstream's names and where the content came from", async () => {
    const image = await withAlpine();
    await pullAll(image);
    const pulls = bench.registry.records.map(({ resource, details }) => [resource.id, details?.["source"]]);
    expect(pulls[0]).toEqual([`docker.io/library/alpine@${image.digest}`, "upstream"]);
    expect(pulls.every(([id]) => String(id).startsWith("docker.io/library/alpine"))).toBe(true);
  });

  it("makes one transfer of each blob and manifest for a hundred clients at once", async () => {
    const image = await withAlpine();
    const all = await Promise.all(Array.from({ length: 100 }, () => pullAll(image)));
    expect(all.every((layer) => layer.equals(image.layerBytes))).toBe(true);
    const gets = bench.asked().filter((line) => line.startsWith("GET") && /manifests\/sha256:|blobs/.test(line));
    expect(gets.sort()).toEqual(
      [
        `GET library/alpine/blobs/${image.config}`,
        `GET library/alpine/blobs/${image.layer}`,
        `GET library/alpine/manifests/${image.digest}`,
      ].sort(),
    );
    expect(bench.asked().filter((line) => line === "HEAD library/alpine/manifests/3").length).toBe(1);
  });

  it("takes of an index only what is asked for", async () => {
    const image = await withAlpine();
    const other = putImage(bench.upstream, "library/alpine", "other");
    const entry = ({ digest, manifest }: FakeImage, architecture: string) => ({
      mediaType: MEDIA_TYPES.imageManifest,
      digest,
      size: manifest.length,
      platform: { os: "linux", architecture },
    });
    const index = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageIndex,
      manifests: [entry(image, "amd64"), entry(other, "arm64")],
    };
    putManifest(bench.upstream, "library/alpine", "multi", Buffer.from(JSON.stringify(index)), MEDIA_TYPES.imageIndex);
    expect((await bench.registry.call("GET", `${ALPINE}/manifests/multi`)).status).toBe(200);
    expect(await pullAll(image, image.digest)).toEqual(image.layerBytes);
    expect(bench.asked().filter((line) => line.includes(other.digest))).toEqual([]);
  });

  it("serves ranges, of what is cached and of what is on its way", async () => {
    const image = await withAlpine();
    await bench.registry.call("GET", `${ALPINE}/manifests/3`);
    const headers = { Range: "bytes=1000-1999" };
    for (let time = 0; time < 2; time += 1) {
      const part = await bench.registry.call("GET", `${ALPINE}/blobs/${image.layer}`, { headers });
      expect(part.status).toBe(206);
      expect(part.body).toEqual(image.layerBytes.subarray(1000, 2000));
      expect(part.headers["content-range"]).toBe(`bytes 1000-1999/${image.layerBytes.length}`);
    }
    const beyond = { Range: `bytes=${image.layerBytes.length}-` };
    expect((await bench.registry.call("GET", `${ALPINE}/blobs/${image.layer}`, { headers: beyond })).status).toBe(416);
  });

  it("tells the size of a blob without asking for it", async () => {
    const image = await withAlpine();
    await bench.registry.call("GET", `${ALPINE}/manifests/3`);
    const head = await bench.registry.call("HEAD", `${ALPINE}/blobs/${image.layer}`);
    expect([head.status, head.headers["content-length"]]).toEqual([200, String(image.layerBytes.length)]);
    expect(bench.asked().some((line) => line.includes(image.layer))).toBe(false);
  });

  it("fetches no blob that no manifest needs", async () => {
    await withAlpine();
    const stray = Buffer.from("stray");
    bench.upstream.repository("library/alpine").blobs.set(digestOf(stray), stray);
    await bench.registry.call("GET", `${ALPINE}/manifests/3`);
    const answer = await bench.registry.call("GET", `${ALPINE}/blobs/${digestOf(stray)}`);
    expect([answer.status, codeOf(answer)]).toEqual([404, "BLOB_UNKNOWN"]);
    expect(bench.asked().some((line) => line.includes(digestOf(stray)))).toBe(false);
  });

  it("says what is not there", async () => {
    await withAlpine();
    const tag = await bench.registry.call("GET", `${ALPINE}/manifests/nothing`);
    expect([tag.status, codeOf(tag)]).toEqual([404, "MANIFEST_UNKNOWN"]);
    expect((await bench.registry.call("HEAD", `${ALPINE}/manifests/nothing`)).status).toBe(404);
  });
});

describe("tags", () => {
  it("are looked up again after a while, and digests never", async () => {
    const image = await withAlpine();
    await pullAll(image);
    const next = putImage(bench.upstream, "library/alpine", "3");
    expect((await bench.registry.call("GET", `${ALPINE}/manifests/3`)).text).toBe(image.manifest.toString());
    bench.clock.advance(FRESHNESS_MS);
    expect(await pullAll(next)).toEqual(next.layerBytes);
    bench.upstream.requests.length = 0;
    bench.clock.advance(FRESHNESS_MS);
    await bench.registry.call("GET", `${ALPINE}/manifests/${image.digest}`);
    expect(bench.asked().filter((line) => line.includes("/manifests/") && !line.includes("sha256-"))).toEqual([]);
  });

  it("that are gone upstream are gone", async () => {
    const image = await withAlpine();
    await pullAll(image);
    bench.upstream.repository("library/alpine").tags.clear();
    bench.clock.advance(FRESHNESS_MS);
    expect((await bench.registry.call("GET", `${ALPINE}/manifests/3`)).status).toBe(404);
    expect((await bench.registry.call("GET", `${ALPINE}/manifests/${image.digest}`)).status).toBe(200);
  });

  it("are listed as upstream lists them", async () => {
    await withAlpine({ fake: { pageSize: 1 } });
    putImage(bench.upstream, "library/alpine", "4");
    const list = await bench.registry.call("GET", `${ALPINE}/tags/list`);
    expect(JSON.parse(list.text)).toMatchObject({ tags: ["3", "4"] });
  });
});

describe("referrers", () => {
  const refer = (subject: Digest): Buffer =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.imageManifest,
        artifactType: "application/vnd.test.note",
        config: { mediaType: MEDIA_TYPES.empty, digest: digestOf("{}"), size: 2 },
        layers: [],
        subject: { mediaType: MEDIA_TYPES.imageManifest, digest: subject, size: 1 },
      }),
    );

  it.each([true, false])("are served through (referrers API upstream: %s)", async (referrersApi) => {
    const image = await withAlpine({ fake: { referrersApi } });
    bench.upstream.repository("library/alpine").blobs.set(digestOf("{}"), Buffer.from("{}"));
    const note = putManifest(
      bench.upstream,
      "library/alpine",
      undefined,
      refer(image.digest),
      MEDIA_TYPES.imageManifest,
    );
    if (!referrersApi) {
      const entry = {
        mediaType: MEDIA_TYPES.imageManifest,
        digest: note,
        size: 1,
        artifactType: "application/vnd.test.note",
      };
      const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: [entry] };
      const tag = image.digest.replace(":", "-");
      putManifest(bench.upstream, "library/alpine", tag, Buffer.from(JSON.stringify(index)), MEDIA_TYPES.imageIndex);
    }
    const list = await bench.registry.call("GET", `${ALPINE}/referrers/${image.digest}`);
    expect(JSON.parse(list.text)).toMatchObject({ manifests: [{ digest: note }] });
    expect((await bench.registry.call("GET", `${ALPINE}/manifests/${note}`)).status).toBe(200);
  });
});
