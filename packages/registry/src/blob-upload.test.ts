import { digestOf } from "@pratique/core";
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, startRegistry, type TestRegistry } from "./registry.fixture.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());

async function begin(name: string, query = ""): Promise<string> {
  const answer = await registry.call("POST", `/v2/${name}/blobs/uploads/${query}`);
  expect(answer.status).toBe(202);
  return answer.headers.location!;
}

async function uploadsLeft(): Promise<number> {
  return (await readdir(join(registry.directory, ".uploads"))).length;
}

describe("uploads", () => {
  it("takes a blob in one POST", async () => {
    const digest = digestOf("one");
    const answer = await registry.call("POST", `/v2/up/one/blobs/uploads/?digest=${digest}`, { body: "one" });
    expect(answer.status).toBe(201);
    expect(answer.headers["docker-content-digest"]).toBe(digest);
    const back = await registry.call("GET", answer.headers.location!);
    expect(back.text).toBe("one");
  });

  it("takes a blob in POST and PUT, of sha512 too", async () => {
    const digest = digestOf("two", "sha512");
    const location = await begin("up/two");
    const answer = await registry.call("PUT", `${location}?digest=${digest}`, { body: "two" });
    expect(answer.status).toBe(201);
    expect((await registry.call("HEAD", `/v2/up/two/blobs/${digest}`)).headers["content-length"]).toBe("3");
  });

  it("takes chunks in order and says where it stands", async () => {
    const location = await begin("up/chunks", "?digest-algorithm=sha512");
    const first = await registry.call("PATCH", location, { body: "abc", headers: { "Content-Range": "0-2" } });
    expect([first.status, first.headers.range]).toEqual([202, "0-2"]);
    const early = await registry.call("PATCH", location, { body: "ghi", headers: { "Content-Range": "6-8" } });
    expect([early.status, codeOf(early), early.headers.range]).toEqual([416, "BLOB_UPLOAD_INVALID", "0-2"]);
    const status = await registry.call("GET", location);
    expect([status.status, status.headers.range, status.headers.location]).toEqual([204, "0-2", location]);
    const digest = digestOf("abcdef", "sha512");
    const closing = { body: "def", headers: { "Content-Range": "3-5" } };
    expect((await registry.call("PUT", `${location}?digest=${digest}`, closing)).status).toBe(201);
  });

  it("takes a stream without a place or a length", async () => {
    const location = await begin("up/stream");
    const answer = await registry.call("PATCH", location, {
      body: "streamed",
      headers: { "Transfer-Encoding": "chunked" },
    });
    expect([answer.status, answer.headers.range]).toEqual([202, "0-7"]);
    const digest = digestOf("streamed");
    expect((await registry.call("PUT", `${location}?digest=${digest}`)).status).toBe(201);
  });

  it("refuses a last chunk at the wrong place and a range that its length contradicts", async () => {
    const location = await begin("up/wrong");
    const late = await registry.call("PUT", `${location}?digest=${digestOf("x")}`, {
      body: "x",
      headers: { "Content-Range": "5-5" },
    });
    expect(late.status).toBe(416);
    const longer = await registry.call("PATCH", location, { body: "xy", headers: { "Content-Range": "0-8" } });
    expect([longer.status, codeOf(longer)]).toEqual([400, "SIZE_INVALID"]);
    const malformed = await registry.call("PATCH", location, { body: "xy", headers: { "Content-Range": "lots" } });
    expect([malformed.status, codeOf(malformed)]).toEqual([400, "BLOB_UPLOAD_INVALID"]);
  });

  it("keeps nothing of a blob with another digest", async () => {
    const before = await uploadsLeft();
    const digest = digestOf("expected");
    const answer = await registry.call("POST", `/v2/up/bad/blobs/uploads/?digest=${digest}`, { body: "other" });
    expect([answer.status, codeOf(answer)]).toEqual([400, "DIGEST_INVALID"]);
    expect((await registry.call("HEAD", `/v2/up/bad/blobs/${digest}`)).status).toBe(404);
    expect(await uploadsLeft()).toBe(before);
  });

  it("refuses digests and algorithms that it does not know", async () => {
    const bad = await registry.call("POST", "/v2/up/x/blobs/uploads/?digest=sha256:nope", { body: "x" });
    expect([bad.status, codeOf(bad)]).toEqual([400, "DIGEST_INVALID"]);
    const blake = await registry.call("POST", "/v2/up/x/blobs/uploads/?digest-algorithm=blake3");
    expect([blake.status, codeOf(blake)]).toEqual([400, "DIGEST_INVALID"]);
  });

  it("cancels", async () => {
    const location = await begin("up/cancel");
    expect((await registry.call("DELETE", location)).status).toBe(204);
    const again = await registry.call("GET", location);
    expect([again.status, codeOf(again)]).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  });

  it("finds an upload only in its own repository", async () => {
    const location = await begin("up/mine");
    const id = location.split("/").at(-1)!;
    expect((await registry.call("GET", `/v2/up/other/blobs/uploads/${id}`)).status).toBe(404);
  });

  it("goes on with an upload whose client went away", async () => {
    const whole = Buffer.from("a".repeat(100) + "b".repeat(50) + "rest");
    const location = await begin("up/resumed");
    await registry.call("PATCH", location, { body: whole.subarray(0, 100) });
    await new Promise<void>((resolve) => {
      const headers = { "X-Test-As": "owner", "Content-Length": 1000 };
      const outgoing = request({ port: registry.port, method: "PATCH", path: location, headers });
      outgoing.on("error", () => resolve());
      outgoing.write(whole.subarray(100, 150), () => outgoing.destroy(new Error("gone")));
    });
    // Some of what was not acknowledged may have been kept: the client asks where to go on, as often as it must.
    const goOn = async (): Promise<number> => {
      const { range = "" } = (await registry.call("GET", location)).headers;
      const next = Number(range.split("-")[1]) + 1;
      expect(next).toBeGreaterThanOrEqual(100);
      const headers = { "Content-Range": `${next}-${whole.length - 1}` };
      const path = `${location}?digest=${digestOf(whole)}`;
      return (await registry.call("PUT", path, { body: whole.subarray(next), headers })).status;
    };
    await expect.poll(goOn).toBe(201);
  });

  it("keeps nothing of a POST whose client goes away", async () => {
    const before = await uploadsLeft();
    const path = `/v2/up/gone/blobs/uploads/?digest=${digestOf("never whole")}`;
    await new Promise<void>((resolve) => {
      const headers = { "X-Test-As": "owner", "Content-Length": 1_000_000 };
      const outgoing = request({ port: registry.port, method: "POST", path, headers });
      outgoing.on("error", () => resolve());
      outgoing.write(Buffer.alloc(100_000), () => outgoing.destroy(new Error("gone")));
    });
    await expect.poll(uploadsLeft).toBe(before);
  });

  it("mounts a blob from a named or any repository, and falls back to an upload", async () => {
    const digest = await registry.pushBlob("up/source", "shared");
    const named = await registry.call("POST", `/v2/up/target/blobs/uploads/?mount=${digest}&from=up/source`);
    expect([named.status, named.headers.location]).toEqual([201, `/v2/up/target/blobs/${digest}`]);
    expect((await registry.call("GET", named.headers.location!)).text).toBe("shared");
    const wrong = await registry.call("POST", `/v2/up/target2/blobs/uploads/?mount=${digest}&from=up/elsewhere`);
    expect(wrong.status).toBe(202);
    await registry.pushManifest("up/source", "1", await registry.image("up/source"));
    const anonymous = await registry.call("POST", `/v2/up/target3/blobs/uploads/?mount=${digest}`);
    expect(anonymous.status).toBe(201);
    const missing = await registry.call("POST", `/v2/up/target/blobs/uploads/?mount=${digestOf("nowhere")}`);
    expect(missing.status).toBe(202);
  });

  it("records one push a blob, at its end", async () => {
    registry.records.length = 0;
    const location = await begin("up/recorded");
    await registry.call("PATCH", location, { body: "abc" });
    expect(registry.records).toEqual([]);
    const digest = digestOf("abc");
    await registry.call("PUT", `${location}?digest=${digest}`);
    expect(registry.records).toMatchObject([
      {
        action: "artifact:push",
        resource: { type: "Repository", id: "registry.test/up/recorded" },
        outcome: "done",
        details: { digest, sizeBytes: 3 },
      },
    ]);
  });

  it("refuses a push that policy does not allow, records it, and keeps nothing", async () => {
    registry.records.length = 0;
    const before = await uploadsLeft();
    const path = `/v2/up/denied/blobs/uploads/?digest=${digestOf("denied")}`;
    const answer = await registry.call("POST", path, { as: "workload", body: "denied" });
    expect([answer.status, codeOf(answer)]).toEqual([403, "DENIED"]);
    expect(registry.records).toMatchObject([{ action: "artifact:push", outcome: "denied", run: "1" }]);
    expect(await uploadsLeft()).toBe(before);
  });

  it("answers a large body that it does not want, and closes the connection", async () => {
    const answer = await registry.call("POST", `/v2/up/big/blobs/uploads/?digest=${digestOf("x")}`, {
      as: "stranger",
      body: Buffer.alloc(2 * 1024 * 1024),
    });
    expect([answer.status, answer.headers.connection]).toEqual([403, "close"]);
  });
});
