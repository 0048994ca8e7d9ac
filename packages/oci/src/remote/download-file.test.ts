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

const content = randomBytes(4 * CHUNK_BYTES + 777);
const digest = digestOf(content);

interface Asked {
  readonly start: number;
  readonly end: number;
  readonly isAll: boolean;
}

type Answer = (request: IncomingMessage, response: ServerResponse, asked: Asked) => void;

let directory: string;
let path: string;
let served: number;
let asked: Asked[];
const closing: (() => void)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-download-"));
  path = join(directory, "blob");
  served = 0;
  asked = [];
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await rm(directory, { recursive: true, force: true });
});

function writeHead(response: ServerResponse, { start, end, isAll }: Asked): void {
  const length = { "content-length": end - start + 1 };
  if (isAll) response.writeHead(200, length);
  else response.writeHead(206, { ...length, "content-range": `bytes ${start}-${end}/${content.length}` });
}

/** The true answer. */
const honest: Answer = (_request, response, asked) => {
  served += asked.end - asked.start + 1;
  writeHead(response, asked);
  response.end(content.subarray(asked.start, asked.end + 1));
};

/** As much of the true answer, and a cut. */
function short(bytes: number): Answer {
  return (_request, response, asked) => {
    writeHead(response, asked);
    response.write(content.subarray(asked.start, asked.start + bytes), () => response.destroy());
  };
}

const WHOLE: Answer = (_request, response) => void response.writeHead(200).end(content);

/** Answers by the first of `answers` that is left, then honestly. */
async function fetchFrom(answers: Answer[], blob: { digest: Digest; size: number } = { digest, size: content.length }) {
  const server = createServer((request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const end = Number(match?.[2] ?? content.length - 1);
    asked.push({ start: Number(match?.[1] ?? 0), end, isAll: match === null });
    (answers.shift() ?? honest)(request, response, asked.at(-1)!);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const retry = { sleep: async () => undefined, attempts: 5 };
  // Whoever looks at this clock finds that a second has gone: one connection after the other is worth it.
  let ticks = 0;
  const clock = { now: () => new Date(1000 * 2 ** Math.min(ticks++, 4) * ticks) };
  return remoteRepository({ registry, repository: "some/image" }, { retry, clock }).fetchBlob!(blob, path);
}

it("begins with one stream, and lets others take what is far ahead of it", async () => {
  await fetchFrom([]);
  expect(digestOf(await readFile(path))).toBe(digest);
  expect(asked[0]?.isAll).toBe(true);
  expect(asked.slice(1).every(({ isAll, start }) => !isAll && start >= content.length / 3)).toBe(true);
  expect(asked.length).toBeGreaterThan(1);
});

it("takes everything in one stream from a registry without ranges", async () => {
  await fetchFrom([WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE]);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("goes on after a cut with a registry that knows no ranges", async () => {
  await fetchFrom([short(5_000_000), WHOLE, WHOLE, WHOLE, WHOLE]);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("goes on after short bodies, cut connections and a storm of 5xx", async () => {
  const storm: Answer = (_request, response) => void response.writeHead(503).end();
  const cut: Answer = (request) => void request.socket.destroy();
  await fetchFrom([short(1_000_000), storm, storm, cut, short(3_000_000), storm, cut, short(1), short(5_000_000)]);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("gives up on a registry that never sends anything whole, and keeps what came", async () => {
  const cuts = (bytes: number): Answer[] => Array.from({ length: 40 }, () => short(bytes));
  await expect(fetchFrom([short(5_000_000), ...cuts(100)])).rejects.toMatchObject({ code: "registry.unreachable" });
  asked = [];
  await fetchFrom([]);
  expect(asked[0]?.start).toBeGreaterThanOrEqual(1024 * 1024);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("reads bodies without a length, and in chunks, as streams", async () => {
  const chunked: Answer = (_request, response, { start, end }) => {
    response.writeHead(206, { "content-range": `bytes ${start}-${end}/${content.length}` });
    response.write(content.subarray(start, end));
    response.end(content.subarray(end, end + 1));
  };
  await fetchFrom([short(5_000_000), chunked, chunked, chunked]);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("refuses another range than the one it asked for", async () => {
  const other: Answer = (_request, response, { start, end }) => {
    response.writeHead(206, { "content-range": `bytes ${start + 1}-${end + 1}/${content.length}` });
    response.end(content.subarray(start, end + 1));
  };
  await expect(fetchFrom([short(5_000_000), other, other, other])).rejects.toMatchObject({
    code: "registry.bad-answer",
  });
});

it("refuses a total that is not the blob's size, and takes nothing past what it asked for", async () => {
  const total: Answer = (_request, response, { start, end }) =>
    void response.writeHead(206, { "content-range": `bytes ${start}-${end}/5` }).end(content.subarray(start, end + 1));
  await expect(fetchFrom([short(5_000_000), total, total])).rejects.toMatchObject({ code: "registry.bad-answer" });
  const tail = Buffer.alloc(9);
  const more: Answer = (_request, response, { start, end }) => {
    response.writeHead(206, { "content-range": `bytes ${start}-${end}/${content.length}` });
    response.end(Buffer.concat([content.subarray(start, end + 1), tail]));
  };
  await fetchFrom([short(5_000_000), more, more, more]);
  expect(digestOf(await readFile(path))).toBe(digest);
});

it("refuses a body that says it is longer than the blob", async () => {
  const longer: Answer = (_request, response) => void response.writeHead(200, { "content-length": 1e12 }).write("x");
  await expect(fetchFrom([longer])).rejects.toMatchObject({ code: "size.mismatch" });
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
  const lie: Answer = (_request, response, range) => {
    writeHead(response, range);
    response.write(Buffer.alloc(5_000_000), () => response.destroy());
  };
  const refuse: Answer = (_request, response) => void response.writeHead(403).end();
  await expect(fetchFrom([lie, refuse, refuse, refuse])).rejects.toMatchObject({ code: "registry.denied" });
  await fetchFrom([]);
  expect(digestOf(await readFile(path))).toBe(digest);
});
