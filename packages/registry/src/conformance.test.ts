// What the distribution-spec conformance suite asks for and no other test here shows: every kind of content, and both
// digest algorithms on every way.
import { digestOf, type Digest, type DigestAlgorithm } from "@pratique/core";
import { MEDIA_TYPES } from "@pratique/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, startRegistry, type Answer, type TestRegistry } from "./registry.fixture.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());

const NOWHERE = digestOf("never pushed");

describe.each(["sha256", "sha512"] as const)("blobs of %s", (algorithm: DigestAlgorithm) => {
  const name = `conf/${algorithm}`;
  const digestFor = (text: string): Digest => digestOf(text, algorithm);
  const begin = async (): Promise<string> => {
    const query = algorithm === "sha256" ? "" : `?digest-algorithm=${algorithm}`;
    return (await registry.call("POST", `/v2/${name}/blobs/uploads/${query}`)).headers.location!;
  };
  const close = (location: string, digest: Digest, more = {}): Promise<Answer> =>
    registry.call("PUT", `${location}?digest=${digest}`, more);
  const stored = async (text: string): Promise<void> => {
    const back = await registry.call("GET", `/v2/${name}/blobs/${digestFor(text)}`);
    expect([back.status, back.text, back.headers["docker-content-digest"]]).toEqual([200, text, digestFor(text)]);
  };

  it("come in one POST, in POST and PUT, in chunks, and as a stream", async () => {
    const one = await registry.call("POST", `/v2/${name}/blobs/uploads/?digest=${digestFor("post")}`, { body: "post" });
    expect(one.status).toBe(201);
    expect((await close(await begin(), digestFor("put"), { body: "put" })).status).toBe(201);
    const chunked = await begin();
    for (const [at, part] of ["chu", "nks"].entries()) {
      const headers = { "Content-Range": `${at * 3}-${at * 3 + 2}` };
      expect((await registry.call("PATCH", chunked, { body: part, headers })).status).toBe(202);
    }
    expect((await close(chunked, digestFor("chunks"))).status).toBe(201);
    const streamed = await begin();
    const stream = { body: "stream", headers: { "Transfer-Encoding": "chunked" } };
    expect((await registry.call("PATCH", streamed, stream)).status).toBe(202);
    expect((await close(streamed, digestFor("stream"))).status).toBe(201);
    for (const text of ["post", "put", "chunks", "stream"]) await stored(text);
  });

  it("may be empty, or two bytes of JSON", async () => {
    for (const text of ["", "{}"]) {
      expect((await close(await begin(), digestFor(text), { body: text })).status).toBe(201);
      await stored(text);
    }
  });

  it("answer 416 to a chunk out of order, and go on after it", async () => {
    const location = await begin();
    await registry.call("PATCH", location, { body: "ab", headers: { "Content-Range": "0-1" } });
    const early = { body: "ef", headers: { "Content-Range": "4-5" } };
    expect((await registry.call("PATCH", location, early)).status).toBe(416);
    expect((await close(location, digestFor("abef"), early)).status).toBe(416);
    const right = { body: "cd", headers: { "Content-Range": "2-3" } };
    expect((await close(location, digestFor("abcd"), right)).status).toBe(201);
  });

  it("are refused under another digest on every way", async () => {
    const wrong = digestFor("other");
    const answers = [
      await registry.call("POST", `/v2/${name}/blobs/uploads/?digest=${wrong}`, { body: "x" }),
      await close(await begin(), wrong, { body: "x" }),
    ];
    const chunked = await begin();
    await registry.call("PATCH", chunked, { body: "x", headers: { "Content-Range": "0-0" } });
    answers.push(await close(chunked, wrong));
    const streamed = await begin();
    await registry.call("PATCH", streamed, { body: "x", headers: { "Transfer-Encoding": "chunked" } });
    answers.push(await close(streamed, wrong));
    expect(answers.map((answer) => [answer.status, codeOf(answer)])).toEqual(
      answers.map(() => [400, "DIGEST_INVALID"]),
    );
    expect((await registry.call("HEAD", `/v2/${name}/blobs/${wrong}`)).status).toBe(404);
  });

  it("are mounted from a named and from any repository, or uploaded when nobody has them", async () => {
    await close(await begin(), digestFor("mounted"), { body: "mounted" });
    const target = `/v2/${name}-target/blobs/uploads/?mount=`;
    const named = await registry.call("POST", `${target}${digestFor("mounted")}&from=${name}`);
    const anonymous = await registry.call("POST", `/v2/${name}-any/blobs/uploads/?mount=${digestFor("mounted")}`);
    const nobody = await registry.call("POST", `${target}${digestFor("nobody's")}&from=${name}`);
    expect([named.status, anonymous.status, nobody.status]).toEqual([201, 201, 202]);
    const back = await registry.call("GET", `/v2/${name}-any/blobs/${digestFor("mounted")}`);
    expect(back.text).toBe("mounted");
  });

  it.each([
    ["bytes=0-", 206, "0123456789"],
    ["bytes=-3", 206, "789"],
    ["bytes=2-4", 206, "234"],
    ["bytes=8-99", 206, "89"],
    ["bytes=5-0", 416, ""],
    ["bytes=10-20", 416, ""],
  ])("come in part: %s", async (range, status, text) => {
    await close(await begin(), digestFor("0123456789"), { body: "0123456789" });
    const path = `/v2/${name}/blobs/${digestFor("0123456789")}`;
    // Twice more: small blobs are then served out of memory.
    for (let time = 0; time < 3; time += 1) {
      await registry.call("GET", path);
      const answer = await registry.call("GET", path, { headers: { Range: range } });
      expect([answer.status, status === 206 ? answer.text : ""]).toEqual([status, text]);
    }
  });

  it("are gone at once when deleted, also those served a moment ago", async () => {
    await close(await begin(), digestFor("gone"), { body: "gone" });
    const path = `/v2/${name}/blobs/${digestFor("gone")}`;
    for (let time = 0; time < 4; time += 1) expect((await registry.call("GET", path)).text).toBe("gone");
    expect((await registry.call("DELETE", path)).status).toBe(202);
    for (const method of ["GET", "HEAD", "DELETE"]) expect((await registry.call(method, path)).status).toBe(404);
  });
});

describe("digests of no known form", () => {
  it.each(["sha256:abc", "sha256:", `SHA256:${"a".repeat(64)}`, `md5:${"a".repeat(32)}`, `sha256:${"g".repeat(64)}`])(
    "are refused wherever they stand: %s",
    async (digest) => {
      const begun = await registry.call("POST", "/v2/conf/form/blobs/uploads/");
      const image = JSON.stringify(await registry.image("conf/form"));
      const typed = { body: image, headers: { "Content-Type": MEDIA_TYPES.imageManifest } };
      const answers = [
        await registry.call("PUT", `${begun.headers.location!}?digest=${encodeURIComponent(digest)}`, { body: "x" }),
        await registry.call("GET", `/v2/conf/form/blobs/${digest}`),
        await registry.call("DELETE", `/v2/conf/form/blobs/${digest}`),
        await registry.call("GET", `/v2/conf/form/manifests/${digest}`),
        await registry.call("PUT", `/v2/conf/form/manifests/${digest}`, typed),
      ];
      for (const { status } of answers) expect(status).toBe(400);
    },
  );
});

describe("manifests of every kind", () => {
  /** Pushes, and finds it again byte for byte by tag and digest. */
  async function comesBack(name: string, manifest: object): Promise<{ digest: Digest; answer: Answer }> {
    const text = JSON.stringify(manifest);
    const digest = digestOf(text);
    const answer = await registry.pushManifest(name, "1", manifest);
    expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([201, digest]);
    for (const reference of ["1", digest]) {
      const back = await registry.call("GET", `/v2/${name}/manifests/${reference}`);
      expect([back.status, back.text]).toEqual([200, text]);
    }
    return { digest, answer };
  }
  const index = (manifests: object[], more = {}): object => ({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageIndex,
    manifests,
    ...more,
  });
  const described = (manifest: object, mediaType: string): object => {
    const text = JSON.stringify(manifest);
    return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text) };
  };

  it("empty, of images, and of indexes: indexes", async () => {
    await comesBack("conf/empty", index([]));
    const image = await registry.image("conf/nested");
    await registry.pushManifest("conf/nested", "image", image);
    const inner = index([described(image, MEDIA_TYPES.imageManifest)]);
    await registry.pushManifest("conf/nested", "inner", inner);
    await comesBack("conf/nested", index([described(inner, MEDIA_TYPES.imageIndex)]));
  });

  it("indexes whose manifests are missing, but no image without its layers", async () => {
    await comesBack("conf/sparse", index([{ mediaType: MEDIA_TYPES.imageManifest, digest: NOWHERE, size: 12 }]));
    const image = await registry.image("conf/sparse", {
      layers: [{ mediaType: MEDIA_TYPES.layerTar, digest: NOWHERE, size: 12 }],
    });
    const answer = await registry.pushManifest("conf/sparse", "2", image);
    expect([answer.status, codeOf(answer)]).toEqual([400, "MANIFEST_BLOB_UNKNOWN"]);
  });

  it("images with layers that are not distributed", async () => {
    const foreign = {
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      digest: NOWHERE,
      size: 12,
      urls: ["https://example.com/layer"],
    };
    await comesBack("conf/foreign", await registry.image("conf/foreign", { layers: [foreign] }));
  });

  it("images without layers, with data in descriptors, with fields of somebody else, of 4 MiB", async () => {
    await comesBack("conf/bare", await registry.image("conf/bare", { layers: [] }));
    const config = { mediaType: MEDIA_TYPES.empty, digest: await registry.pushBlob("conf/data", "{}"), size: 2 };
    const artifactType = "test/data";
    await comesBack(
      "conf/data",
      await registry.image("conf/data", { artifactType, config: { ...config, data: "e30=" } }),
    );
    await comesBack("conf/custom", await registry.image("conf/custom", { "org.example": { deep: [1, null] } }));
    const small = await registry.image("conf/large", { annotations: { text: "" } });
    const room = 4 * 1024 * 1024 - JSON.stringify(small).length;
    await comesBack("conf/large", { ...small, annotations: { text: "x".repeat(room) } });
  });

  it("artifacts and artifact indexes with a subject, also one that is missing", async () => {
    const subject = { mediaType: MEDIA_TYPES.imageManifest, digest: NOWHERE, size: 12 };
    const artifact = await registry.image("conf/subject", { artifactType: "test/one", subject });
    const first = await comesBack("conf/subject", artifact);
    const list = await comesBack("conf/subject", index([], { artifactType: "test/list", subject }));
    for (const { answer } of [first, list]) expect(answer.headers["oci-subject"]).toBe(NOWHERE);
    const all = await registry.call("GET", `/v2/conf/subject/referrers/${NOWHERE}`);
    const types = JSON.parse(all.text).manifests.map((one: { artifactType: string }) => one.artifactType);
    expect(types.toSorted()).toEqual(["test/list", "test/one"]);
    const some = await registry.call("GET", `/v2/conf/subject/referrers/${NOWHERE}?artifactType=test/list`);
    expect(some.headers["oci-filters-applied"]).toBe("artifactType");
    expect(JSON.parse(some.text).manifests).toHaveLength(1);
  });

  it("are gone at once when deleted, by tag and by digest", async () => {
    const { digest } = await comesBack("conf/gone", await registry.image("conf/gone"));
    expect((await registry.call("DELETE", "/v2/conf/gone/manifests/1")).status).toBe(202);
    expect((await registry.call("HEAD", "/v2/conf/gone/manifests/1")).status).toBe(404);
    expect((await registry.call("HEAD", `/v2/conf/gone/manifests/${digest}`)).status).toBe(200);
    expect((await registry.call("DELETE", `/v2/conf/gone/manifests/${digest}`)).status).toBe(202);
    for (const method of ["GET", "HEAD", "DELETE"]) {
      expect((await registry.call(method, `/v2/conf/gone/manifests/${digest}`)).status).toBe(404);
    }
  });
});
