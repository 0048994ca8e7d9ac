import { digestOf, type Digest } from "@pratique/core";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, startRegistry, type TestRegistry } from "./registry.fixture.ts";

const BLOB = randomBytes(1_500_007);
let registry: TestRegistry;
let digest: Digest;
let path: string;
beforeAll(async () => {
  registry = await startRegistry();
  digest = await registry.pushBlob("down/blob", BLOB);
  path = `/v2/down/blob/blobs/${digest}`;
});
afterAll(() => registry.stop());

describe("blobs", () => {
  it("sends a blob that needs every buffer several times", async () => {
    const { status, headers, body } = await registry.call("GET", path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-length": String(BLOB.length),
      "content-type": "application/octet-stream",
      "docker-content-digest": digest,
      "accept-ranges": "bytes",
      etag: `"${digest}"`,
    });
    expect(body.equals(BLOB)).toBe(true);
  });

  it("does not mix up blobs that are sent at the same time", async () => {
    const blobs = Array.from({ length: 6 }, (_, index) => Buffer.alloc(700_000 + index, index));
    const digests = await Promise.all(blobs.map((blob) => registry.pushBlob("down/many", blob)));
    const answers = await Promise.all(digests.map((one) => registry.call("GET", `/v2/down/many/blobs/${one}`)));
    expect(answers.map(({ body }) => digestOf(body))).toEqual(digests);
  });

  it.each([
    ["bytes=0-", 0, BLOB.length],
    ["bytes=1000000-1000099", 1_000_000, 1_000_100],
    ["bytes=-500", BLOB.length - 500, BLOB.length],
    ["bytes=1500000-9999999", 1_500_000, BLOB.length],
  ])("sends %s", async (range, start, stop) => {
    const { status, headers, body } = await registry.call("GET", path, { headers: { Range: range } });
    expect(status).toBe(206);
    expect(headers["content-range"]).toBe(`bytes ${start}-${stop - 1}/${BLOB.length}`);
    expect(body.equals(BLOB.subarray(start, stop))).toBe(true);
  });

  it.each(["bytes=500-0", "bytes=1500007-", "bytes=-0"])("answers 416 to %s", async (range) => {
    const answer = await registry.call("GET", path, { headers: { Range: range } });
    expect([answer.status, answer.headers["content-range"]]).toEqual([416, `bytes */${BLOB.length}`]);
  });

  it.each(["bytes=0-1,5-6", "lines=1-2", "bytes=x-y"])("sends everything for %s", async (range) => {
    expect((await registry.call("GET", path, { headers: { Range: range } })).status).toBe(200);
  });

  it("honours If-None-Match and If-Range", async () => {
    const same = await registry.call("GET", path, { headers: { "If-None-Match": `"${digest}"` } });
    expect([same.status, same.body.length]).toEqual([304, 0]);
    const other = await registry.call("GET", path, { headers: { "If-Range": '"old"', Range: "bytes=0-1" } });
    expect(other.status).toBe(200);
  });

  it("sends the empty blob", async () => {
    const empty = await registry.pushBlob("down/blob", "");
    const answer = await registry.call("GET", `/v2/down/blob/blobs/${empty}`);
    expect([answer.status, answer.headers["content-length"]]).toEqual([200, "0"]);
  });

  it("records the pull before the first byte, and HEAD not at all", async () => {
    registry.records.length = 0;
    await registry.call("HEAD", path);
    expect(registry.records).toEqual([]);
    await registry.call("GET", path);
    expect(registry.records).toMatchObject([
      { action: "artifact:pull", resource: { type: "Repository" }, outcome: "done", details: { digest } },
    ]);
  });

  it("tells who may not pull nothing, not even whether it is there", async () => {
    for (const blob of [digest, digestOf("not there")]) {
      const answer = await registry.call("GET", `/v2/down/blob/blobs/${blob}`, { as: "stranger" });
      expect([answer.status, codeOf(answer)]).toEqual([403, "DENIED"]);
      expect((await registry.call("HEAD", `/v2/down/blob/blobs/${blob}`, { as: "stranger" })).status).toBe(403);
    }
  });

  it("survives clients that leave in the middle", async () => {
    for (let round = 0; round < 5; round += 1) {
      await new Promise<void>((resolve) => {
        const outgoing = request({ port: registry.port, path, headers: { "X-Test-As": "owner" } }, (incoming) => {
          incoming.once("data", () => outgoing.destroy());
        });
        outgoing.on("error", () => undefined);
        outgoing.on("close", () => resolve());
        outgoing.end();
      });
    }
    expect((await registry.call("GET", path)).body.equals(BLOB)).toBe(true);
  });

  it("deletes, and finds nothing afterwards", async () => {
    const gone = await registry.pushBlob("down/blob", "to delete");
    expect((await registry.call("DELETE", `/v2/down/blob/blobs/${gone}`)).status).toBe(202);
    const answer = await registry.call("GET", `/v2/down/blob/blobs/${gone}`);
    expect([answer.status, codeOf(answer)]).toEqual([404, "BLOB_UNKNOWN"]);
    expect((await registry.call("DELETE", `/v2/down/blob/blobs/${gone}`)).status).toBe(404);
  });
});
