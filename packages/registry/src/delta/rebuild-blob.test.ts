// A layer that is rebuilt here: only by who may push, only from what this repository has, only when the digest is right.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, type Digest } from "@pratique/core";
import { encodeDelta } from "@pratique/delta";
import { afterEach, beforeEach, expect, it } from "vitest";
import { codeOf, startRegistry, type TestRegistry } from "../registry.fixture.ts";

let registry: TestRegistry;
let directory: string;
const base = Buffer.alloc(3_000_000, "weights of a model ");
const target = Buffer.concat([base.subarray(0, 1_000_000), Buffer.from("tuned"), base.subarray(1_000_000)]);

beforeEach(async () => {
  registry = await startRegistry();
  directory = await mkdtemp(join(tmpdir(), "pratique-rebuild-"));
});
afterEach(async () => {
  await registry.stop();
  await rm(directory, { recursive: true, force: true });
});

async function pushDelta(): Promise<Digest> {
  const paths = { base: join(directory, "base"), target: join(directory, "target") };
  await writeFile(paths.base, base);
  await writeFile(paths.target, target);
  const parts: Buffer[] = [];
  for await (const part of encodeDelta(paths)) parts.push(Buffer.from(part));
  return registry.pushBlob("team/model", Buffer.concat(parts));
}

const path = (delta: Digest, wanted = digestOf(target), size = target.length): string =>
  `/v2/team/model/_pratique/delta/${wanted}?base=${digestOf(base)}&delta=${delta}&size=${size}`;

it("is announced as an extension", async () => {
  const { text } = await registry.call("GET", "/v2/_oci/ext/discover");
  expect(JSON.parse(text)).toMatchObject({ extensions: [{ name: "_pratique", endpoints: ["_pratique/delta"] }] });
});

it("makes the blob from a base that is here, and records a push", async () => {
  await registry.pushBlob("team/model", base);
  const delta = await pushDelta();
  const { status, headers } = await registry.call("POST", path(delta));
  expect(status).toBe(201);
  expect(headers["docker-content-digest"]).toBe(digestOf(target));
  const { body } = await registry.call("GET", `/v2/team/model/blobs/${digestOf(target)}`);
  expect(body.equals(target)).toBe(true);
  expect(registry.records.filter(({ action }) => action === "artifact:push").at(-1)).toMatchObject({
    outcome: "done",
    details: { digest: digestOf(target), delta, base: digestOf(base) },
  });
});

it("takes no base from another repository", async () => {
  await registry.pushBlob("secret/model", base);
  const answer = await registry.call("POST", path(await pushDelta()));
  expect([answer.status, codeOf(answer)]).toEqual([404, "BLOB_UNKNOWN"]);
});

it("keeps nothing that has another digest than was promised", async () => {
  await registry.pushBlob("team/model", base);
  const wanted = digestOf("something else");
  const answer = await registry.call("POST", path(await pushDelta(), wanted));
  expect([answer.status, codeOf(answer)]).toEqual([400, "DIGEST_INVALID"]);
  expect((await registry.call("HEAD", `/v2/team/model/blobs/${wanted}`)).status).toBe(404);
});

it("refuses a delta that would make more than was promised, and one that is none", async () => {
  await registry.pushBlob("team/model", base);
  expect((await registry.call("POST", path(await pushDelta(), digestOf(target), 10))).status).toBe(400);
  const noDelta = await registry.pushBlob("team/model", "not a delta, but long enough");
  expect((await registry.call("POST", path(noDelta))).status).toBe(400);
});

it("is closed to whoever may not push", async () => {
  await registry.pushBlob("team/model", base);
  const delta = await pushDelta();
  for (const as of ["workload", "stranger"] as const) {
    expect((await registry.call("POST", path(delta), { as })).status).toBe(403);
  }
  expect((await registry.call("POST", path(delta), { as: "nobody" })).status).toBe(401);
});
