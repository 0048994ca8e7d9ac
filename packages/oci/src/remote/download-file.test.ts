// Blobs into files, from registries that break, lie and forget.
import { digestOf, type Digest } from "@pratique/core";
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { mkdtemp, open, readFile, rm, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { remoteRepository } from "./remote-repository.ts";
import { CHUNK_BYTES } from "./plan-parts.ts";

const content = randomBytes(2 * CHUNK_BYTES + 777);
const digest = digestOf(content);

type Answer = (request: IncomingMessage, response: ServerResponse, range: { start: number; end: number }) => void;

let directory: string;
let path: string;
let served: number;
const closing: (() => void)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-download-"));
  path = join(directory, "blob");
  served = 0;
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await rm(directory, { recursive: true, force: true });
});

/** The true answer. */
const honest: Answer = (_request, response, { start, end }) => {
  const range = { "content-range": `bytes ${start}-${end}/${content.length}`, "content-length": end - start + 1 };
  served += end - start + 1;
  response.writeHead(206, range).end(content.subarray(start, end + 1));
};

/** Answers by the first of `answers` that is left, then honestly. */
async function fetchFrom(answers: Answer[], blob: { digest: Digest; size: number } = { digest, size: content.length }) {
  const server = createServer((request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const range = { start: Number(match?.[1] ?? 0), end: Number(match?.[2] ?? content.length - 1) };
    (answers.shift() ?? honest)(request, response, range);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const retry = { sleep: async () => undefined, attempts: 5 };
  return remoteRepository({ registry, repository: "some/image" }, { retry }).fetchBlob!(blob, path);
}

it("fetches ranges side by side into one file", async () => {
  await fetchFrom([]);
  expect(digestOf(await readFile(path))).toBe(digest);
  expect(served).toBe(content.length);
});

it("takes everything in one stream from a registry without ranges", async () => {
  const whole: Answer = (_request, response) => void response.writeHead(200).end(content);
  await fetchFrom([whole, whole, whole]);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("goes on after short bodies, cut connections and a storm of 5xx", async () => {
  const short: Answer = (_request, response, { start, end }) => {
    response.writeHead(206, {
      "content-range": `bytes ${start}-${end}/${content.length}`,
      "content-length": end - start + 1,
    });
    response.write(content.subarray(start, start + 1_000_000), () => response.destroy());
  };
  const storm: Answer = (_request, response) => void response.writeHead(503).end();
  const cut: Answer = (request) => void request.socket.destroy();
  await fetchFrom([short, storm, storm, cut, short, storm, cut]);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("refuses another range than the one it asked for", async () => {
  const other: Answer = (_request, response, { start, end }) => {
    response.writeHead(206, { "content-range": `bytes ${start + 1}-${end + 1}/${content.length}` });
    response.end(content.subarray(start, end + 1));
  };
  await expect(fetchFrom([other])).rejects.toMatchObject({ code: "registry.bad-answer" });
});

it("refuses a total that is not the blob's size, and more bytes than were asked for", async () => {
  const total: Answer = (_request, response, { start, end }) =>
    void response.writeHead(206, { "content-range": `bytes ${start}-${end}/5` }).end(content.subarray(start, end + 1));
  await expect(fetchFrom([total])).rejects.toMatchObject({ code: "registry.bad-answer" });
  const more: Answer = (_request, response, { start, end }) => {
    response.writeHead(206, { "content-range": `bytes ${start}-${end}/${content.length}` });
    response.end(content.subarray(start, end + 9));
  };
  await expect(fetchFrom([more])).rejects.toMatchObject({ code: "registry.bad-answer" });
});

it("keeps nothing of content that is not what its digest says", async () => {
  const wrong = digestOf("something else");
  await expect(fetchFrom([], { digest: wrong, size: content.length })).rejects.toMatchObject({
    code: "digest.mismatch",
  });
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

it("fetches only the damaged block of a partial file again", async () => {
  await fetchFrom([]);
  const file = await open(path, "r+");
  await file.write(Buffer.from("damage"), 0, 6, 300_000);
  await file.close();
  served = 0;
  await fetchFrom([]);
  expect(digestOf(await readFile(path))).toBe(digest);
  expect(served).toBe(1024 * 1024);
});

it("starts over once when what an earlier attempt wrote was wrong from the beginning", async () => {
  const lie: Answer = (_request, response, { start, end }) => {
    response.writeHead(206, {
      "content-range": `bytes ${start}-${end}/${content.length}`,
      "content-length": end - start + 1,
    });
    response.end(Buffer.alloc(end - start + 1));
  };
  const refuse: Answer = (_request, response) => void response.writeHead(403).end();
  await expect(fetchFrom([lie, refuse, refuse, refuse])).rejects.toMatchObject({ code: "registry.denied" });
  await fetchFrom([]);
  expect(digestOf(await readFile(path))).toBe(digest);
});
