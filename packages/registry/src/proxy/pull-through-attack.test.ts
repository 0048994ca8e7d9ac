// Upstreams and clients that want what is not theirs.
import { MEDIA_TYPES } from "@pratique/oci";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FakeRegistry } from "../../../../test/fakes/registry-fake.ts";
import { codeOf } from "../registry.fixture.ts";
import {
  putImage,
  putManifest,
  startBench,
  type BenchOptions,
  type FakeImage,
  type PullThroughBench,
} from "./pull-through.fixture.ts";

let bench: PullThroughBench;
const stops: (() => void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await bench.stop();
});

const ALPINE = "/v2/docker.io/library/alpine";

async function withAlpine(options: BenchOptions = {}): Promise<FakeImage> {
  bench = await startBench(options);
  return putImage(bench.upstream, "library/alpine", "3");
}
const get = (path: string, headers: Record<string, string> = {}) => bench.registry.call("GET", path, { headers });

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends as long as somebody listens. */
function sendForEver(res: ServerResponse): void {
  const more = (): void => {
    while (!res.destroyed && res.write(Buffer.alloc(64 * 1024, 32))) continue;
  };
  res.on("drain", more);
  more();
}

describe("what is cached", () => {
  const NOT_SVEN = `@id("all-may") permit (principal is Pratique::User,
    action in [Pratique::Action::"artifact:pull", Pratique::Action::"artifact:push"], resource);
  @id("not-sven") @reason("not he") @remedy("ask olga") forbid (principal is Pratique::User,
    action == Pratique::Action::"artifact:pull", resource in Pratique::Registry::"docker.io")
  when { principal.name == "sven" };`;

  it("is not read by a mount by whom policy denies the pull", async () => {
    const image = await withAlpine({ policy: NOT_SVEN });
    await get(`${ALPINE}/manifests/3`);
    await get(`${ALPINE}/blobs/${image.layer}`);
    const { call, store } = bench.registry;
    for (const from of ["&from=docker.io/library/alpine", "&from=docker.io/alpine", ""]) {
      const path = `/v2/sven/app/blobs/uploads/?mount=${image.layer}${from}`;
      expect([from, (await call("POST", path, { as: "stranger" })).status]).toEqual([from, 202]);
    }
    expect(await store.repository("sven/app").blobSize(image.layer)).toBeUndefined();
    const mine = `/v2/olga/app/blobs/uploads/?mount=${image.layer}`;
    expect((await call("POST", `${mine}&from=docker.io/library/alpine`)).status).toBe(201);
  });

  it("is decided for each of those who ask at once", async () => {
    const image = await withAlpine({ policy: NOT_SVEN });
    const { call } = bench.registry;
    const as = (who: "owner" | "stranger") => call("GET", `${ALPINE}/manifests/3`, { as: who });
    const answers = await Promise.all([as("stranger"), as("owner"), as("stranger"), as("owner")]);
    expect(answers.map(({ status }) => status)).toEqual([403, 200, 403, 200]);
    const blob = (who: "owner" | "stranger") => call("GET", `${ALPINE}/blobs/${image.layer}`, { as: who });
    const blobs = await Promise.all([blob("stranger"), blob("owner"), blob("stranger")]);
    expect(blobs.map(({ status }) => status)).toEqual([403, 200, 403]);
    expect(blobs[0]?.text).toContain("policy not-sven forbids");
  });
});

describe("an upstream that sends on", () => {
  const redirect = (location: string) => ({ type: "status", status: 307, headers: { location } }) as const;

  it("does not reach addresses of the link, whatever asks", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    for (const target of [
      "http://169.254.169.254/latest/meta-data",
      "https://[fe80::1]/",
      "http://0.0.0.0/",
      "https://[::ffff:169.254.169.254]/",
    ]) {
      bench.upstream.fail("GET", /blobs|tags|manifests/, redirect(target));
      const answer = await get(`${ALPINE}/blobs/${image.layer}`);
      expect([target, answer.status, answer.text]).toEqual([target, 502, expect.stringContaining("sends on")]);
      bench.upstream.faults.length = 0;
      bench.clock.advance(60_000);
    }
    bench.upstream.fail("GET", /tags/, {
      type: "status",
      status: 200,
      headers: { link: '<http://169.254.169.254/x>; rel="next"' },
      body: '{"tags":["a"]}',
    });
    // Without the rest of the list there is what is here.
    expect(JSON.parse((await get(`${ALPINE}/tags/list`)).text)).toMatchObject({ tags: ["3"] });
  });

  it("gets no credentials for another host, and no other content in", async () => {
    const cdn = await FakeRegistry.start();
    stops.push(() => void cdn.close());
    const owner = { username: "me", password: "secret" };
    const image = await withAlpine({ fake: { auth: { type: "basic", ...owner } }, credentials: async () => owner });
    putImage(cdn, "library/alpine", "3");
    cdn.repository("library/alpine").blobs.set(image.layer, image.layerBytes);
    await get(`${ALPINE}/manifests/3`);
    const target = `http://${cdn.host}/v2/library/alpine/blobs/${image.layer}`;
    bench.upstream.fail("GET", /blobs/, redirect(target));
    expect((await get(`${ALPINE}/blobs/${image.layer}`)).body).toEqual(image.layerBytes);
    expect(bench.upstream.requests.at(-1)?.headers.authorization).toBeDefined();
    expect(cdn.requests.length).toBeGreaterThan(0);
    expect(cdn.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("does not go round for ever", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    const self = `http://${bench.upstream.host}/v2/library/alpine/blobs/${image.layer}`;
    bench.upstream.fail("GET", /blobs/, redirect(self), 1000);
    expect((await get(`${ALPINE}/blobs/${image.layer}`)).status).toBe(502);
    expect(bench.asked().length).toBeLessThan(40);
  });
});

describe("an upstream that sends too much", () => {
  it("has a manifest without end refused", async () => {
    const url = await serve((req, res) => {
      res.writeHead(200, { "content-type": MEDIA_TYPES.imageManifest });
      if (req.method === "HEAD") res.end();
      else sendForEver(res);
    });
    bench = await startBench({ url });
    const answer = await get(`${ALPINE}/manifests/3`);
    expect([answer.status, codeOf(answer)]).toEqual([502, "UNAVAILABLE"]);
    expect(await bench.registry.store.repositories()).toEqual([]);
  });

  it("has a blob without end broken off at the size that its manifest names", async () => {
    const fake = await FakeRegistry.start();
    stops.push(() => void fake.close());
    const image = putImage(fake, "library/alpine", "3");
    const url = await serve((req, res) => {
      if (req.url?.includes(image.layer) === true) {
        res.writeHead(200, { "content-type": "application/octet-stream" });
        return sendForEver(res);
      }
      void fetch(`http://${fake.host}${req.url}`, { method: req.method ?? "GET" }).then(async (answer) => {
        const length = answer.headers.get("content-length");
        res.writeHead(answer.status, {
          "content-type": answer.headers.get("content-type") ?? "",
          ...(length === null ? {} : { "content-length": length }),
        });
        res.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
    bench = await startBench({ url });
    await get(`${ALPINE}/manifests/3`);
    await expect(get(`${ALPINE}/blobs/${image.layer}`)).rejects.toThrow(/aborted|socket hang up/);
    expect(await bench.registry.store.repository("docker.io/library/alpine").blobSize(image.layer)).toBeUndefined();
  });

  it("cannot change what a digest is by naming another media type", async () => {
    const image = await withAlpine();
    const index = MEDIA_TYPES.imageIndex;
    putManifest(bench.upstream, "library/alpine", "odd", image.manifest, index);
    const answer = await get(`${ALPINE}/manifests/odd`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await bench.registry.store.repositories()).toEqual([]);
  });
});
