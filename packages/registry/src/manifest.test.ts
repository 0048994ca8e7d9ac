import { digestOf } from "@pratique/core";
import { MEDIA_TYPES } from "@pratique/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, startRegistry, type TestRegistry } from "./registry.fixture.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry({
    policy: `@id("no-secret-pulls") @remedy("ask olga") forbid (principal, action == Pratique::Action::"artifact:pull",
      resource is Pratique::Artifact) when { resource.repository == "man/secret" };`,
  });
});
afterAll(() => registry.stop());

describe("manifests", () => {
  it("gives back the bytes by tag and by digest, with the right headers", async () => {
    const manifest = await registry.image("man/one");
    const digest = digestOf(JSON.stringify(manifest));
    const put = await registry.pushManifest("man/one", "1.0", manifest);
    expect([put.status, put.headers["docker-content-digest"]]).toEqual([201, digest]);
    for (const reference of ["1.0", digest]) {
      const { status, headers, text } = await registry.call("GET", `/v2/man/one/manifests/${reference}`);
      expect([status, text]).toEqual([200, JSON.stringify(manifest)]);
      expect(headers).toMatchObject({
        "content-type": MEDIA_TYPES.imageManifest,
        "docker-content-digest": digest,
        "content-length": String(text.length),
        etag: `"${digest}"`,
      });
      const head = await registry.call("HEAD", `/v2/man/one/manifests/${reference}`);
      expect([head.status, head.headers["content-length"], head.text]).toEqual([200, String(text.length), ""]);
    }
  });

  it("takes a manifest by its sha512 and sets the tags asked for", async () => {
    const manifest = await registry.image("man/two");
    const digest = digestOf(JSON.stringify(manifest), "sha512");
    const put = await registry.pushManifest("man/two", `${digest}?tag=a&tag=b`, manifest);
    expect([put.status, put.headers["docker-content-digest"], put.headers["oci-tag"]]).toEqual([201, digest, "a, b"]);
    const byTag = await registry.call("GET", "/v2/man/two/manifests/b");
    expect(byTag.headers["docker-content-digest"]).toBe(digest);
  });

  it.each([
    ["not JSON", "{", MEDIA_TYPES.imageManifest, 400, "MANIFEST_INVALID"],
    [
      "another type inside",
      `{"schemaVersion":2,"mediaType":"a/b"}`,
      MEDIA_TYPES.imageManifest,
      400,
      "MANIFEST_INVALID",
    ],
    ["an unknown type", "{}", "application/x-unknown", 415, "MANIFEST_INVALID"],
    ["5 MiB", " ".repeat(5 * 1024 * 1024), MEDIA_TYPES.imageManifest, 413, "MANIFEST_INVALID"],
  ])("refuses %s", async (_, body, type, status, code) => {
    const answer = await registry.call("PUT", "/v2/man/bad/manifests/1", { body, headers: { "Content-Type": type } });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  it("refuses content under a foreign digest, and content whose blobs are missing", async () => {
    const manifest = await registry.image("man/three");
    const foreign = await registry.pushManifest("man/three", digestOf("other"), manifest);
    expect([foreign.status, codeOf(foreign)]).toEqual([400, "DIGEST_INVALID"]);
    const missing = await registry.pushManifest("man/empty", "1", manifest);
    expect([missing.status, codeOf(missing)]).toEqual([400, "MANIFEST_BLOB_UNKNOWN"]);
  });

  it("answers 404 for what is not there and 400 for what can be nothing", async () => {
    const missing = await registry.call("GET", "/v2/man/one/manifests/none");
    expect([missing.status, codeOf(missing)]).toEqual([404, "MANIFEST_UNKNOWN"]);
    const nonsense = await registry.call("GET", "/v2/man/one/manifests/sha256:nonsense");
    expect([nonsense.status, codeOf(nonsense)]).toEqual([400, "DIGEST_INVALID"]);
    const neither = await registry.call("GET", "/v2/man/one/manifests/-no-tag");
    expect([neither.status, codeOf(neither)]).toEqual([400, "MANIFEST_INVALID"]);
  });

  it("denies a pull with the policy's reason, and a HEAD just the same", async () => {
    await registry.pushManifest("man/secret", "1", await registry.image("man/secret"));
    registry.records.length = 0;
    const get = await registry.call("GET", "/v2/man/secret/manifests/1");
    expect([get.status, codeOf(get)]).toEqual([403, "DENIED"]);
    expect(get.text).toContain("no-secret-pulls");
    expect(get.text).toContain("ask olga");
    expect((await registry.call("HEAD", "/v2/man/secret/manifests/1")).status).toBe(403);
    expect(registry.records).toMatchObject([
      { action: "artifact:pull", outcome: "denied", resource: { type: "Artifact" } },
      { action: "artifact:pull", outcome: "denied" },
    ]);
  });

  it("records a pull with its digest and a push with its tag", async () => {
    registry.records.length = 0;
    const manifest = await registry.image("man/recorded");
    const digest = digestOf(JSON.stringify(manifest));
    registry.records.length = 0;
    await registry.pushManifest("man/recorded", "1", manifest);
    await registry.call("GET", "/v2/man/recorded/manifests/1", { as: "workload" });
    expect(registry.records).toMatchObject([
      { action: "artifact:push", outcome: "done", details: { digest, tags: ["1"] } },
      { action: "artifact:pull", outcome: "done", resource: { type: "Artifact", digest }, run: "1" },
    ]);
  });

  it("replaces a tag only when a condition holds", async () => {
    const first = await registry.image("man/cond", { annotations: { n: "1" } });
    const second = await registry.image("man/cond", { annotations: { n: "2" } });
    const put = (manifest: object, headers: Record<string, string>): Promise<{ status: number }> =>
      registry.call("PUT", "/v2/man/cond/manifests/t", {
        body: JSON.stringify(manifest),
        headers: { "Content-Type": MEDIA_TYPES.imageManifest, ...headers },
      });
    expect((await put(first, { "If-Match": `"${digestOf("x")}"` })).status).toBe(412);
    expect((await put(first, { "If-None-Match": "*" })).status).toBe(201);
    expect((await put(second, { "If-None-Match": "*" })).status).toBe(412);
    expect((await put(second, { "If-Match": `"${digestOf(JSON.stringify(first))}"` })).status).toBe(201);
  });

  it("deletes a tag and leaves the manifest, deletes the manifest and its tags", async () => {
    const manifest = await registry.image("man/del");
    const digest = digestOf(JSON.stringify(manifest));
    await registry.pushManifest("man/del", "a", manifest);
    await registry.pushManifest("man/del", "b", manifest);
    expect((await registry.call("DELETE", "/v2/man/del/manifests/a")).status).toBe(202);
    expect((await registry.call("GET", "/v2/man/del/manifests/a")).status).toBe(404);
    expect((await registry.call("GET", `/v2/man/del/manifests/${digest}`)).status).toBe(200);
    expect((await registry.call("DELETE", `/v2/man/del/manifests/${digest}`, { as: "workload" })).status).toBe(403);
    expect((await registry.call("DELETE", `/v2/man/del/manifests/${digest}`)).status).toBe(202);
    expect((await registry.call("GET", "/v2/man/del/manifests/b")).status).toBe(404);
  });
});

describe("lists", () => {
  it("pages through tags", async () => {
    const manifest = await registry.image("list/tags");
    for (const tag of ["b", "a", "C", "10", "2"]) await registry.pushManifest("list/tags", tag, manifest);
    const all = await registry.call("GET", "/v2/list/tags/tags/list");
    expect(JSON.parse(all.text)).toEqual({ name: "list/tags", tags: ["10", "2", "C", "a", "b"] });
    const page = await registry.call("GET", "/v2/list/tags/tags/list?n=2&last=2");
    expect(JSON.parse(page.text)).toMatchObject({ tags: ["C", "a"] });
    expect(page.headers.link).toBe('</v2/list/tags/tags/list?n=2&last=a>; rel="next"');
    const last = await registry.call("GET", "/v2/list/tags/tags/list?n=2&last=a");
    expect([JSON.parse(last.text), last.headers.link]).toEqual([{ name: "list/tags", tags: ["b"] }, undefined]);
    const none = await registry.call("GET", "/v2/list/tags/tags/list?n=0");
    expect([JSON.parse(none.text), none.headers.link]).toEqual([{ name: "list/tags", tags: [] }, undefined]);
    expect((await registry.call("GET", "/v2/list/tags/tags/list?n=-1")).status).toBe(400);
  });

  it("knows no tags of a repository that is not there", async () => {
    const answer = await registry.call("GET", "/v2/list/nowhere/tags/list");
    expect([answer.status, codeOf(answer)]).toEqual([404, "NAME_UNKNOWN"]);
  });

  it("shows in the catalog only what the principal may pull", async () => {
    const mine = await registry.call("GET", "/v2/_catalog");
    expect(JSON.parse(mine.text).repositories).toContain("list/tags");
    const theirs = await registry.call("GET", "/v2/_catalog", { as: "stranger" });
    expect(JSON.parse(theirs.text)).toEqual({ repositories: [] });
  });
});
