// Ctrl-C in the middle of a pull, a push and a pack: the connection ends, nothing half is seen, and a pull goes on later.
import { digestOf } from "@pratique/core";
import { MEDIA_TYPES } from "@pratique/oci";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, IncomingMessage, type Server, type ServerResponse } from "node:http";
import { copyFile, mkdir, mkdtemp, open, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { EXAMPLES, finished, pratique, startDaemon, startProgram, temporaryHome } from "../support/program.ts";
import type { Daemon } from "../support/program.ts";

const CHUNK_BYTES = 16 * 1024 * 1024;
const SENT_BYTES = 2 * CHUNK_BYTES;
const content = randomBytes(4 * CHUNK_BYTES);
const config = Buffer.from("{}");
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.empty, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: "application/octet-stream", digest: digestOf(content), size: content.length }],
  }),
);

let server: Server;
let host: string;
let served: number;
let isStuck: boolean;
/** Called when a request has come as far as it gets. */
let onStuck: (exchange: IncomingMessage | ServerResponse) => void;
let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let directory: string;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? "";
  if (request.method === "POST") {
    return void response.writeHead(202, { location: "/v2/some/image/blobs/uploads/1" }).end();
  }
  if (request.method === "PATCH") {
    request.once("data", () => {
      request.pause();
      if (Number(request.headers["content-length"]) > CHUNK_BYTES) onStuck(request);
    });
    return;
  }
  if (request.method === "GET" && url.endsWith(digestOf(content))) {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [start, end] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? content.length - 1)];
    const range = match === null ? {} : { "content-range": `bytes ${start}-${end}/${content.length}` };
    response.writeHead(match === null ? 200 : 206, { "content-length": end - start + 1, ...range });
    const sent = content.subarray(start, isStuck ? Math.min(end + 1, SENT_BYTES) : end + 1);
    served += sent.length;
    if (isStuck) response.write(sent, () => onStuck(response));
    else response.end(sent);
    return;
  }
  const isManifest = url.endsWith("/manifests/1") || url.endsWith(`/manifests/${digestOf(manifest)}`);
  if (isManifest) response.writeHead(200, { "content-type": MEDIA_TYPES.imageManifest }).end(manifest);
  else if (url.endsWith(digestOf(config))) response.end(config);
  else response.writeHead(404).end();
}

beforeAll(async () => {
  server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  place = await temporaryHome();
  daemon = await startDaemon(place.home);
  directory = await mkdtemp(join(tmpdir(), "prq-cancel-"));
  await mkdir(join(directory, "model"));
  await copyFile(join(EXAMPLES, "model", "voyage-q8.gguf"), join(directory, "model", "voyage-q8.gguf"));
  const large = await open(join(directory, "model", "large.bin"), "w");
  await large.truncate(2 * 1024 * 1024 * 1024);
  await large.close();
}, 60_000);
beforeEach(() => {
  served = 0;
  isStuck = true;
});
afterAll(async () => {
  await daemon.stop();
  server.closeAllConnections();
  server.close();
  await place.remove();
  await rm(directory, { recursive: true, force: true });
});

/** Runs a command, presses Ctrl-C once the other side is stuck, and waits until both ends have let go. */
async function interrupt(args: readonly string[]): Promise<number | null> {
  const stuck = new Promise<IncomingMessage | ServerResponse>((resolve) => (onStuck = resolve));
  const child = startProgram(args, { home: place.home });
  const exchange = await stuck;
  const gone = new Promise<void>((resolve) => exchange.once("close", resolve));
  child.kill("SIGINT");
  const { code } = await finished(child);
  // Whoever does not read does not see that the other has gone.
  if (exchange instanceof IncomingMessage) exchange.resume();
  await gone;
  expect(exchange instanceof IncomingMessage && exchange.complete).toBe(false);
  return code;
}

it("ends a pull, which later goes on with what came", { timeout: 60_000 }, async () => {
  expect(await interrupt(["pull", `${host}/some/image:1`, "pulled/image:1"])).toBe(1);
  const before = served;
  isStuck = false;
  const again = await pratique(["pull", `${host}/some/image:1`, "pulled/image:1"], { home: place.home });
  expect(again.stderr).toBe("");
  expect(before).toBe(SENT_BYTES);
  expect(served - before).toBeLessThanOrEqual(content.length - SENT_BYTES + CHUNK_BYTES);
});

it("ends a push", { timeout: 60_000 }, async () => {
  expect(await interrupt(["push", join(directory, "model"), `${host}/some/image:1`])).toBe(1);
});

it("ends a pack, and shows nothing of it", { timeout: 60_000 }, async () => {
  const cancel = new AbortController();
  const request = { directory: join(directory, "model"), reference: "half/model:1" };
  const packing = (async () => {
    for await (const event of daemon.client.transfer({ type: "pack", request }, cancel.signal)) {
      if (event.type === "progress" && event.doneBytes > CHUNK_BYTES) cancel.abort();
    }
  })();
  await expect(packing.catch(() => "ended")).resolves.toBe("ended");
  // The daemon notices at the next bytes: another act waits for no more than it does.
  await pratique(["status"], { home: place.home });
  await expect.poll(async () => (await readdir(place.home, { recursive: true })).filter(isUpload)).toEqual([]);
  expect((await daemon.client.artifacts()).map(({ reference }) => reference).filter((one) => /half/.test(one))).toEqual(
    [],
  );
});

function isUpload(path: string): boolean {
  return /registry\/.*uploads?\/[^/]+$/.test(path);
}
