// `kill -9` in the middle of a pull: the next one goes on, and hardly anything crosses the wire twice.
import { digestOf, silentLog, systemClock, type Digest } from "@pratique/core";
import { randomBytes, randomInt } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PULLED, startPuller } from "../fakes/registry-puller.ts";
import { MEDIA_TYPES, openContentStore } from "@pratique/oci";

/** The longest range that is asked for at once. */
const CHUNK_BYTES = 16 * 1024 * 1024;
const STEP_BYTES = 64 * 1024;
/** 200 were done by hand: `FAULT_KILLS=200`. */
const KILLS = Number(process.env["FAULT_KILLS"] ?? 8);
const BLOB_BYTES = 4 * CHUNK_BYTES + 12_345;

/** Serves one image and counts what it hands to its sockets; kills the puller when so many bytes have gone. */
class CountingRegistry {
  readonly blob = randomBytes(BLOB_BYTES);
  readonly digest = digestOf(this.blob);
  /** To the pull under way, and how much of that had been served to one before it. */
  served = 0;
  repeated = 0;
  readonly steps = new Set<number>();
  onBytes: (() => void) | undefined;
  readonly #config = Buffer.from("{}");
  readonly #manifest: Buffer;
  readonly #server: Server;

  constructor() {
    const layer = { mediaType: "application/octet-stream", digest: this.digest, size: this.blob.length };
    const config = { mediaType: MEDIA_TYPES.empty, digest: digestOf(this.#config), size: 2 };
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config, layers: [layer] };
    this.#manifest = Buffer.from(JSON.stringify(manifest));
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "";
    if (url.includes("/manifests/")) {
      const headers = { "content-type": MEDIA_TYPES.imageManifest, "docker-content-digest": digestOf(this.#manifest) };
      response.writeHead(200, headers).end(this.#manifest);
    } else if (url.endsWith(digestOf(this.#config))) response.end(this.#config);
    else if (url.endsWith(this.digest)) await this.#send(request, response);
    else response.writeHead(404).end();
  }

  async #send(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const start = Number(match?.[1] ?? 0);
    const end = Number(match?.[2] ?? this.blob.length - 1);
    const range = { "content-range": `bytes ${start}-${end}/${this.blob.length}` };
    response.writeHead(match === null ? 200 : 206, { "content-length": end - start + 1, ...(match && range) });
    for (let at = start; at <= end && !response.destroyed; at += STEP_BYTES) {
      const bytes = this.blob.subarray(at, Math.min(at + STEP_BYTES, end + 1));
      this.served += bytes.length;
      const step = Math.floor(at / STEP_BYTES);
      if (this.steps.has(step)) this.repeated += bytes.length;
      this.steps.add(step);
      this.onBytes?.();
      if (!response.write(bytes)) await writable(response);
    }
    response.end();
  }
}

async function writable(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

let registry: CountingRegistry;
let host: string;
let home: string;
beforeAll(async () => {
  registry = new CountingRegistry();
  host = await registry.listen();
  home = await mkdtemp(join(tmpdir(), "pratique-pull-kill-"));
});
afterAll(async () => {
  registry.close();
  await rm(home, { recursive: true, force: true });
});

/** Pulls in a process of its own; with `killAfter`, kills it when that many bytes were served to it. */
async function pull(root: string, killAfter: number | undefined): Promise<boolean> {
  const puller = startPuller(root, `${host}/some/image:1`);
  registry.served = 0;
  registry.repeated = 0;
  registry.onBytes = (): void => {
    if (killAfter !== undefined && registry.served >= killAfter) puller.kill();
  };
  const isDone = await puller.ended;
  registry.onBytes = undefined;
  return isDone;
}

async function requireWhole(root: string, digest: Digest): Promise<void> {
  const store = await openContentStore(root, { clock: systemClock, log: silentLog });
  expect(digestOf(await readFile(store.repository(PULLED).blobPath(digest)!))).toBe(digest);
  await store.close();
  expect((await readdir(root, { recursive: true })).filter((name) => name.includes("fill-"))).toEqual([]);
}

it(`fetches at most a chunk again after each of ${KILLS} kills`, { timeout: 900_000 }, async () => {
  let kills = 0;
  for (let round = 0; kills < KILLS; round += 1) {
    const root = join(home, String(round));
    registry.steps.clear();
    // A kill can come when the last bytes are there already: then the pull came to its end.
    for (let isDone = false; !isDone;) {
      const killAfter = kills < KILLS ? randomInt(1, Math.floor(BLOB_BYTES / 12)) : undefined;
      isDone = await pull(root, killAfter);
      if (!isDone) kills += 1;
      expect(registry.repeated).toBeLessThanOrEqual(CHUNK_BYTES);
    }
    await requireWhole(root, registry.digest);
    await rm(root, { recursive: true, force: true });
  }
});
