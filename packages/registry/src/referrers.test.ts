import { digestOf, type Digest } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor } from "@pratique/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fallbackTag } from "./fallback-tag.ts";
import { pageOf } from "./referrers.ts";
import { startRegistry, type Answer, type TestRegistry } from "./registry.fixture.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());

interface Subject {
  readonly name: string;
  readonly digest: Digest;
  readonly descriptor: object;
}

async function subject(name: string): Promise<Subject> {
  const text = JSON.stringify(await registry.image(name));
  const digest = digestOf(text);
  await registry.pushManifest(name, "1", JSON.parse(text));
  return { name, digest, descriptor: { mediaType: MEDIA_TYPES.imageManifest, digest, size: text.length } };
}

async function attach(to: Subject, artifactType: string): Promise<Answer & { digest: Digest }> {
  const manifest = await registry.image(to.name, { artifactType, subject: to.descriptor, annotations: { a: "b" } });
  const answer = await registry.pushManifest(to.name, digestOf(JSON.stringify(manifest)), manifest);
  return { ...answer, digest: digestOf(JSON.stringify(manifest)) };
}

async function listed(to: Subject, query = ""): Promise<Descriptor[]> {
  const answer = await registry.call("GET", `/v2/${to.name}/referrers/${to.digest}${query}`);
  expect([answer.status, answer.headers["content-type"]]).toEqual([200, MEDIA_TYPES.imageIndex]);
  return JSON.parse(answer.text).manifests;
}

async function underTag(to: Subject): Promise<string[] | undefined> {
  const answer = await registry.call("GET", `/v2/${to.name}/manifests/${fallbackTag(to.digest)}`);
  if (answer.status === 404) return undefined;
  return JSON.parse(answer.text).manifests.map(({ digest }: Descriptor) => digest);
}

async function pushList(to: Subject, digests: readonly Digest[]): Promise<Answer> {
  const manifests = (await listed(to)).filter(({ digest }) => digests.includes(digest));
  const list = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests };
  return registry.pushManifest(to.name, fallbackTag(to.digest), list);
}

describe("referrers", () => {
  it("lists them with type and annotations, filtered on demand", async () => {
    const to = await subject("ref/one");
    const signature = await attach(to, "test/signature");
    const sbom = await attach(to, "test/sbom");
    expect(signature.headers["oci-subject"]).toBe(to.digest);
    expect((await listed(to)).map(({ digest }) => digest).toSorted()).toEqual(
      [signature.digest, sbom.digest].toSorted(),
    );
    const filtered = await registry.call("GET", `/v2/ref/one/referrers/${to.digest}?artifactType=test/sbom`);
    expect(filtered.headers["oci-filters-applied"]).toBe("artifactType");
    expect(JSON.parse(filtered.text).manifests).toMatchObject([
      { digest: sbom.digest, artifactType: "test/sbom", annotations: { a: "b" } },
    ]);
  });

  it("has an empty list for what has none or is not there", async () => {
    const answer = await registry.call("GET", `/v2/ref/none/referrers/${digestOf("nothing")}`);
    expect([answer.status, JSON.parse(answer.text).manifests]).toEqual([200, []]);
    expect((await registry.call("GET", "/v2/ref/none/referrers/sha256:no")).status).toBe(400);
  });

  it("makes pages that fit into a manifest", () => {
    const all = Array.from({ length: 10 }, (_, index): Descriptor => {
      return { mediaType: "a/b", digest: digestOf(String(index)), size: 1 };
    });
    const seen: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 20; pages += 1) {
      const { items, next } = pageOf(all, after, 300);
      seen.push(...items.map(({ digest }) => digest));
      if (next === undefined) break;
      after = next;
    }
    expect(seen).toEqual(all.map(({ digest }) => digest).toSorted());
  });
});

describe("the referrers tag of older clients", () => {
  it("is not made by clients that know the API", async () => {
    const to = await subject("tag/none");
    await attach(to, "test/a");
    expect(await underTag(to)).toBeUndefined();
  });

  it("is taken as pushed, and names what the API names", async () => {
    const to = await subject("tag/kept");
    const first = await attach(to, "test/a");
    const put = await pushList(to, [first.digest]);
    expect(put.status).toBe(201);
    const second = await attach(to, "test/b");
    expect(await underTag(to)).toEqual([first.digest, second.digest]);
  });

  it("gets back what a slower client left out of its list", async () => {
    const to = await subject("tag/lost");
    const first = await attach(to, "test/a");
    const second = await attach(to, "test/b");
    const put = await pushList(to, [second.digest]);
    expect(put.status).toBe(201);
    expect((await underTag(to))?.toSorted()).toEqual([first.digest, second.digest].toSorted());
    const pushed = put.headers["docker-content-digest"]!;
    expect((await registry.call("GET", `/v2/tag/lost/manifests/${String(pushed)}`)).status).toBe(200);
  });

  it("loses a referrer that is deleted, and goes with the last", async () => {
    const to = await subject("tag/gone");
    const first = await attach(to, "test/a");
    const second = await attach(to, "test/b");
    await pushList(to, [first.digest]);
    await pushList(to, [first.digest, second.digest]);
    for (const [gone, left] of [
      [first.digest, [second.digest]],
      [second.digest, undefined],
    ] as const) {
      expect((await registry.call("DELETE", `/v2/tag/gone/manifests/${gone}`)).status).toBe(202);
      expect(await underTag(to)).toEqual(left);
      expect((await listed(to)).map(({ digest }) => digest)).toEqual(left ?? []);
    }
  });

  it("does not let go of a referrer that a real index names", async () => {
    const to = await subject("tag/index");
    const referrer = await attach(to, "test/a");
    await pushList(to, [referrer.digest]);
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: await listed(to), annotations: {} };
    await registry.pushManifest("tag/index", "bundle", index);
    expect((await registry.call("DELETE", `/v2/tag/index/manifests/${referrer.digest}`)).status).toBe(409);
    expect(await underTag(to)).toEqual([referrer.digest]);
  });
});
