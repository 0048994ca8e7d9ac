// `kill -9` and broken connections in the middle of a push: the next one goes on where the registry stands.
import { digestOf } from "@pratique/core";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startUploader } from "../fakes/registry-uploader.ts";

const CHUNK_BYTES = 16 * 1024 * 1024;
const KILLS = Number(process.env["FAULT_KILLS"] ?? 8);
const content = randomBytes(4 * CHUNK_BYTES + 4321);

/** One upload at a time, kept as far as it came, as distribution-spec 1.1 asks for. */
class CountingRegistry {
  #upload: Buffer[] = [];
  #bytes = 0;
  received = 0;
  committed: Buffer | undefined;
  onBytes: ((request: IncomingMessage) => void) | undefined;
  readonly #server: Server;

  constructor() {
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

  reset(): void {
    this.#upload = [];
    this.#bytes = 0;
    this.received = 0;
    this.committed = undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = { location: "/v2/some/model/blobs/uploads/1", range: `0-${Math.max(0, this.#bytes - 1)}` };
    switch (request.method) {
      case "POST":
        this.#upload = [];
        this.#bytes = 0;
        return void response.writeHead(202, headers).end();
      case "GET":
        return void response.writeHead(204, headers).end();
      case "PATCH": {
        const start = Number(/^(\d+)-/.exec(request.headers["content-range"] ?? "0-")?.[1]);
        if (start !== this.#bytes) return void response.writeHead(416, headers).end();
        for await (const chunk of request as AsyncIterable<Buffer>) {
          this.#upload.push(chunk);
          this.#bytes += chunk.length;
          this.received += chunk.length;
          this.onBytes?.(request);
        }
        return void response.writeHead(202, { ...headers, range: `0-${this.#bytes - 1}` }).end();
      }
      case "PUT": {
        this.committed = Buffer.concat(this.#upload);
        const isRight = decodeURIComponent(request.url ?? "").endsWith(digestOf(this.committed));
        return void response.writeHead(isRight ? 201 : 400).end();
      }
      default:
        response.writeHead(404).end();
    }
  }
}

let registry: CountingRegistry;
let host: string;
let home: string;
beforeAll(async () => {
  registry = new CountingRegistry();
  host = await registry.listen();
  home = await mkdtemp(join(tmpdir(), "pratique-push-kill-"));
  await writeFile(join(home, "model"), content);
});
afterAll(async () => {
  registry.close();
  await rm(home, { recursive: true, force: true });
});

it(`sends less than a chunk again after each of ${KILLS} kills`, { timeout: 600_000 }, async () => {
  const memory = join(home, "uploads");
  for (let kills = 0; kills < KILLS;) {
    registry.reset();
    let killsHere = 0;
    for (let isDone = false; !isDone;) {
      const uploader = startUploader(memory, join(home, "model"), `${host}/some/model:1`);
      const killAt = registry.received + randomInt(1, Math.floor(content.length / 4));
      registry.onBytes = () => void (kills < KILLS && registry.received >= killAt && uploader.kill());
      isDone = await uploader.ended;
      registry.onBytes = undefined;
      if (!isDone) [kills, killsHere] = [kills + 1, killsHere + 1];
    }
    expect(registry.committed?.equals(content)).toBe(true);
    expect(registry.received).toBeLessThanOrEqual(content.length + killsHere * CHUNK_BYTES);
    expect(await readdir(memory)).toEqual([]);
  }
});

it("goes on after connections that break, within one push", { timeout: 60_000 }, async () => {
  registry.reset();
  let cuts = 0;
  registry.onBytes = (request) => {
    if (cuts < 5 && registry.received > (cuts + 1) * 8_000_000) {
      cuts += 1;
      request.socket.destroy();
    }
  };
  expect(await startUploader(join(home, "uploads"), join(home, "model"), `${host}/some/model:1`).ended).toBe(true);
  registry.onBytes = undefined;
  expect(cuts).toBe(5);
  expect(registry.committed?.equals(content)).toBe(true);
  expect(registry.received).toBeLessThanOrEqual(content.length + cuts * CHUNK_BYTES);
});
