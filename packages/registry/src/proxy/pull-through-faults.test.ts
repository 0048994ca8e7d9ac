// What goes wrong between us and an upstream, and what policy says of what is one's.
import { digestOf } from "@pratique/core";
import { MEDIA_TYPES } from "@pratique/oci";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { FakeRegistry } from "../../../../test/fakes/registry-fake.ts";
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
const get = (path: string, headers: Record<string, string> = {}) => bench.registry.call("GET", path, { headers });
const partialFiles = (): Promise<string[]> => readdir(join(bench.registry.directory, ".pull-through"));

const DENIED_HUB = `@id("no-hub") @reason("not from there") @remedy("use our own base image")
forbid (principal, action == Pratique::Action::"artifact:pull", resource in Pratique::Registry::"docker.io");`;
const ONLY_OFFICIAL = `@id("only-official") @reason("official images only") @remedy("use an official image")
forbid (principal, action == Pratique::Action::"artifact:pull", resource is Pratique::Artifact)
when { resource.registry == "docker.io" && resource.imageType != "official" };`;

let front: { readonly fake: FakeRegistry; stop(): void };

/** A registry behind a door that may leave a request without an answer. */
async function startFront(isLost: (req: IncomingMessage) => boolean): Promise<{ readonly host: string }> {
  const fake = await FakeRegistry.start();
  const [hostname, port] = fake.host.split(":");
  const server = createServer((req, res) => {
    if (isLost(req)) return;
    request({ hostname, port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  front = {
    fake,
    stop() {
      server.closeAllConnections();
      server.close();
      void fake.close();
    },
  };
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("policy", () => {
  it("denies a registry before the upstream hears of anything, and says why", async () => {
    const image = await withAlpine({ policy: DENIED_HUB });
    for (const path of [
      "manifests/3",
      `manifests/${image.digest}`,
      `blobs/${image.layer}`,
      "tags/list",
      `referrers/${image.digest}`,
    ]) {
      const answer = await get(`${ALPINE}/${path}`);
      expect([path, answer.status, codeOf(answer)]).toEqual([path, 403, "DENIED"]);
      expect(answer.text).toContain("policy no-hub forbids");
      expect(answer.text).toContain("use our own base image");
    }
    expect(bench.asked()).toEqual([]);
    expect(bench.registry.records.at(-1)).toMatchObject({
      outcome: "denied",
      resource: { id: "docker.io/library/alpine" },
    });
  });

  it("gives the reason with a denied HEAD as well, in its status line", async () => {
    await withAlpine({ policy: DENIED_HUB });
    const asking = request({
      port: bench.registry.port,
      method: "HEAD",
      path: `${ALPINE}/manifests/3`,
      headers: { "X-Test-As": "owner" },
    });
    asking.end();
    const [answer] = (await once(asking, "response")) as [IncomingMessage];
    expect([answer.statusCode, answer.statusMessage]).toEqual([403, expect.stringContaining("policy no-hub forbids")]);
    expect(bench.asked()).toEqual([]);
  });

  it("decides over an artifact at GET, and lets HEAD tell the true digest", async () => {
    await withAlpine({ policy: ONLY_OFFICIAL });
    const image = putImage(bench.upstream, "some/body", "1");
    const head = await bench.registry.call("HEAD", "/v2/docker.io/some/body/manifests/1");
    expect([head.status, head.headers["docker-content-digest"]]).toEqual([200, image.digest]);
    const denied = await get(`/v2/docker.io/some/body/manifests/${image.digest}`);
    expect([denied.status, codeOf(denied)]).toEqual([403, "DENIED"]);
    expect(denied.text).toContain("policy only-official forbids");
    expect((await get(`/v2/docker.io/some/body/blobs/${image.layer}`)).status).toBe(404);
    expect(bench.asked().some((line) => line.includes("/blobs/"))).toBe(false);
    expect(await bench.registry.store.repositories()).toEqual([]);
    expect((await get(`${ALPINE}/manifests/3`)).status).toBe(200);
  });

  it("calls official only what came from upstream", async () => {
    await withAlpine({ policy: ONLY_OFFICIAL });
    const { store } = bench.registry;
    const repository = store.repository("docker.io/library/alpine");
    const config = await repository.putBlob(Buffer.from("{}"));
    const planted = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
      layers: [],
    };
    const bytes = Buffer.from(JSON.stringify(planted));
    const { digest } = await repository.putManifest(bytes, MEDIA_TYPES.imageManifest);
    const answer = await get(`${ALPINE}/manifests/${digest}`);
    expect([answer.status, codeOf(answer)]).toEqual([403, "DENIED"]);
    expect((await get(`${ALPINE}/manifests/3`)).status).toBe(200);
  });

  it("is asked for each principal", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    await get(`${ALPINE}/blobs/${image.layer}`);
    for (const path of [`manifests/3`, `blobs/${image.layer}`]) {
      expect((await bench.registry.call("GET", `${ALPINE}/${path}`, { as: "stranger" })).status).toBe(403);
    }
    expect((await bench.registry.call("GET", `${ALPINE}/manifests/3`, { as: "nobody" })).status).toBe(401);
  });
});

describe("an upstream that is down", () => {
  it("leaves what is cached, which says so", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    await get(`${ALPINE}/blobs/${image.layer}`);
    await bench.upstream.close();
    bench.clock.advance(FRESHNESS_MS * 3);
    const manifest = await get(`${ALPINE}/manifests/3`);
    expect([manifest.status, manifest.headers["age"]]).toEqual([200, "180"]);
    expect(manifest.headers["warning"]).toContain("docker.io does not serve");
    expect((await get(`${ALPINE}/blobs/${image.layer}`)).body).toEqual(image.layerBytes);
    const pulls = bench.registry.records.filter(({ details }) => details?.["stale"] !== undefined);
    expect(pulls).toMatchObject([{ details: { source: "cache", stale: { ageSeconds: 180 } } }]);
    const missing = await get(`${ALPINE}/manifests/4`);
    expect([missing.status, codeOf(missing)]).toEqual([503, "UNAVAILABLE"]);
    const list = await get(`${ALPINE}/tags/list`);
    expect([list.status, list.headers["warning"] === undefined]).toEqual([200, false]);
  });

  it("does not hold up those who could have a copy", async () => {
    const asked = Promise.withResolvers<void>();
    let isSilent = false;
    const { host } = await startFront(() => {
      if (isSilent) asked.resolve();
      return isSilent;
    });
    bench = await startBench({ url: `http://${host}`, patienceMs: 20 });
    const image = putImage(front.fake, "library/alpine", "3");
    await get(`${ALPINE}/manifests/3`);
    isSilent = true;
    bench.clock.advance(FRESHNESS_MS);
    const answer = await get(`${ALPINE}/manifests/3`);
    await asked.promise;
    expect([answer.text, answer.headers["warning"] === undefined]).toEqual([image.manifest.toString(), false]);
    front.stop();
  });

  it("that asks for fewer requests is left alone, and its wish is passed on", async () => {
    await withAlpine();
    const limited = { type: "status", status: 429, headers: { "retry-after": "1" } } as const;
    bench.upstream.fail("GET", /manifests/, limited, 1000);
    bench.upstream.fail("HEAD", /manifests/, limited, 1000);
    const first = await get(`${ALPINE}/manifests/3`);
    expect([first.status, codeOf(first), first.headers["retry-after"]]).toEqual([429, "TOOMANYREQUESTS", "1"]);
    const asked = bench.asked().length;
    expect((await get(`${ALPINE}/manifests/3`)).status).toBe(429);
    expect(bench.asked().length).toBe(asked);
    bench.clock.advance(1000);
    bench.upstream.faults.length = 0;
    expect((await get(`${ALPINE}/manifests/3`)).status).toBe(200);
  });

  it("that refuses us is told apart from us refusing the client", async () => {
    await withAlpine({ fake: { auth: { type: "basic", username: "me", password: "secret" } } });
    const answer = await get(`${ALPINE}/manifests/3`);
    expect([answer.status, codeOf(answer)]).toEqual([403, "DENIED"]);
  });
});

describe("an upstream that sends something else", () => {
  it("breaks the connection off and keeps nothing", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    bench.upstream.fail("GET", /blobs/, { type: "corrupt" });
    await expect(get(`${ALPINE}/blobs/${image.layer}`)).rejects.toThrow(/aborted|socket hang up/);
    const repository = bench.registry.store.repository("docker.io/library/alpine");
    expect(await repository.blobSize(image.layer)).toBeUndefined();
    expect((await get(`${ALPINE}/blobs/${image.layer}`)).body).toEqual(image.layerBytes);
    await expect.poll(partialFiles).toEqual([]);
  });

  it("says so when it announces another length", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    bench.upstream.fail("GET", /blobs/, { type: "short", bytes: 1000 });
    const answer = await get(`${ALPINE}/blobs/${image.layer}`);
    expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("is 1000 bytes long")]);
    const repository = bench.registry.store.repository("docker.io/library/alpine");
    expect(await repository.blobSize(image.layer)).toBeUndefined();
    expect((await get(`${ALPINE}/blobs/${image.layer}`)).body).toEqual(image.layerBytes);
    await expect.poll(partialFiles).toEqual([]);
  });

  it("never completes a range of it either", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    bench.upstream.fail("GET", /blobs/, { type: "corrupt" });
    await expect(get(`${ALPINE}/blobs/${image.layer}`, { Range: "bytes=0-99" })).rejects.toThrow(
      /aborted|socket hang up/,
    );
  });

  it("refuses a manifest that is not its digest's", async () => {
    const image = await withAlpine();
    bench.upstream.fail("GET", /manifests/, { type: "corrupt" }, 10);
    const answer = await get(`${ALPINE}/manifests/${image.digest}`);
    expect([answer.status, codeOf(answer)]).toEqual([502, "UNAVAILABLE"]);
    expect(await bench.registry.store.repositories()).toEqual([]);
  });

  it("goes on where a connection broke", async () => {
    const image = await withAlpine();
    await get(`${ALPINE}/manifests/3`);
    bench.upstream.fail("GET", /blobs/, { type: "truncate", bytes: 100_000 });
    expect((await get(`${ALPINE}/blobs/${image.layer}`)).body).toEqual(image.layerBytes);
  });

  it("takes up what an earlier process left, and heals it when it is wrong", async () => {
    const image = await withAlpine();
    const breakOff = (): void => {
      bench.upstream.fail("GET", /blobs/, { type: "truncate", bytes: 100_000 });
      bench.upstream.fail("GET", /blobs/, { type: "reset" }, 100);
    };
    await get(`${ALPINE}/manifests/3`);
    breakOff();
    await expect(get(`${ALPINE}/blobs/${image.layer}`)).rejects.toThrow(/aborted|socket hang up/);
    const [partial] = await partialFiles();
    bench.clock.advance(15_000);
    bench.upstream.faults.length = 0;
    bench.upstream.requests.length = 0;
    expect((await get(`${ALPINE}/blobs/${image.layer}`)).body).toEqual(image.layerBytes);
    expect(bench.upstream.requests.map(({ headers }) => headers.range)).toEqual([
      expect.stringMatching(/^bytes=[1-9]\d*-$/),
    ]);

    const other = putImage(bench.upstream, "library/alpine", "4");
    await get(`${ALPINE}/manifests/4`);
    breakOff();
    await expect(get(`${ALPINE}/blobs/${other.layer}`)).rejects.toThrow(/aborted|socket hang up/);
    bench.upstream.faults.length = 0;
    const [damaged] = await partialFiles();
    expect([partial, damaged].every((name) => name?.endsWith(".partial"))).toBe(true);
    await writeFile(join(bench.registry.directory, ".pull-through", damaged!), Buffer.alloc(1000));
    await expect(get(`${ALPINE}/blobs/${other.layer}`)).rejects.toThrow(/aborted|socket hang up/);
    expect((await get(`${ALPINE}/blobs/${other.layer}`)).body).toEqual(other.layerBytes);
  });
});

describe("a blob on its way", () => {
  const LAYER = Buffer.alloc(400_000, "layer");
  const CONFIG = Buffer.from("{}");

  /** An upstream that sends a blob's parts when it is told to. */
  async function gated(): Promise<{
    send(upTo: number): void;
    url: string;
    opened: Promise<void>;
    count(): number;
    stop(): void;
  }> {
    const fake = await startBench();
    const describe = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.imageManifest,
        config: describe(CONFIG, MEDIA_TYPES.imageConfig),
        layers: [describe(LAYER, MEDIA_TYPES.layerTar)],
      }),
    );
    putManifest(fake.upstream, "library/alpine", "3", manifest, MEDIA_TYPES.imageManifest);
    fake.upstream.repository("library/alpine").blobs.set(digestOf(CONFIG), CONFIG);
    const opened = Promise.withResolvers<void>();
    let response: ServerResponse | undefined;
    let sent = 0;
    let count = 0;
    const server = createServer((req, res) => {
      if (req.url?.includes(digestOf(LAYER)) === true) {
        count += 1;
        response = res;
        res.writeHead(200, { "content-length": String(LAYER.length) });
        res.flushHeaders();
        return opened.resolve();
      }
      const [hostname, port] = fake.upstream.host.split(":");
      const ahead = request({ hostname, port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      ahead.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      opened: opened.promise,
      count: () => count,
      send(upTo) {
        response?.write(LAYER.subarray(sent, upTo));
        sent = upTo;
        if (sent === LAYER.length) response?.end();
      },
      stop() {
        server.closeAllConnections();
        server.close();
        void fake.stop();
      },
    };
  }

  function pull(): { answer: Promise<IncomingMessage>; leave(): void } {
    const asking = request({
      port: bench.registry.port,
      path: `${ALPINE}/blobs/${digestOf(LAYER)}`,
      headers: { "X-Test-As": "owner" },
      agent: false,
    });
    asking.on("error", () => undefined);
    asking.end();
    return {
      answer: once(asking, "response").then(([answer]) => answer as IncomingMessage),
      leave: () => asking.destroy(),
    };
  }

  /** Reads until so many bytes have come. */
  async function readUpTo(answer: IncomingMessage, size: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let seen = 0;
    while (seen < size) {
      const chunk = answer.read() as Buffer | null;
      if (chunk === null) await once(answer, "readable");
      else {
        chunks.push(chunk);
        seen += chunk.length;
      }
    }
    return Buffer.concat(chunks);
  }

  it("is handed on as it comes, its end only once it is checked; the first client's leaving stops nobody", async () => {
    const gate = await gated();
    bench = await startBench({ url: gate.url });
    expect((await get(`${ALPINE}/manifests/3`)).status).toBe(200);
    const first = pull();
    await gate.opened;
    const firstAnswer = await first.answer;
    gate.send(1);
    expect((await readUpTo(firstAnswer, 1)).length).toBe(1);
    const second = await pull().answer;
    gate.send(300_000);
    const part = await readUpTo(second, 300_000);
    expect(part.equals(LAYER.subarray(0, 300_000))).toBe(true);
    first.leave();
    const third = await pull().answer;
    expect((await readUpTo(third, 300_000)).length).toBe(300_000);
    gate.send(LAYER.length);
    const rest = await readUpTo(second, LAYER.length - part.length);
    expect(Buffer.concat([part, rest]).equals(LAYER)).toBe(true);
    expect((await readUpTo(third, LAYER.length - 300_000)).length).toBe(LAYER.length - 300_000);
    expect(gate.count()).toBe(1);
    gate.stop();
  });

  it("goes on when everybody has left", async () => {
    const gate = await gated();
    bench = await startBench({ url: gate.url });
    await get(`${ALPINE}/manifests/3`);
    const only = pull();
    await gate.opened;
    gate.send(10_000);
    await only.answer;
    only.leave();
    gate.send(LAYER.length);
    expect((await get(`${ALPINE}/blobs/${digestOf(LAYER)}`)).body.equals(LAYER)).toBe(true);
    expect(gate.count()).toBe(1);
    gate.stop();
  });
});
