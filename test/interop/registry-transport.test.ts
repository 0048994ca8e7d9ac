// Large blobs over TLS under an authority of one's own, directly and through a proxy; with a token that runs out midway.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@pratique/core";
import { remoteRepository, Transport } from "@pratique/oci";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

const content = randomBytes(40 * 1024 * 1024 + 99);
const digest = digestOf(content);
const blob = { digest, size: content.length };
const retry = { sleep: async () => undefined };

let directory: string;
let ca: string;
let server: Server;
let port: number;
let proxy: Server;
let proxyPort: number;
let connects: string[];
/** Looks at a request first; true when it answered. */
let before: (request: IncomingMessage, response: ServerResponse) => boolean;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "prq-transport-"));
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "ca.pem")];
  const names = "subjectAltName=DNS:localhost,DNS:registry.test";
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", names];
  const made = spawnSync("openssl", [...args, "-keyout", key, "-out", certificate], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  ca = await readFile(certificate, "utf8");
  server = createHttpsServer({ key: await readFile(key), cert: ca }, (request, response) => {
    if (before(request, response)) return;
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [start, end] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? content.length - 1)];
    const range = match === null ? {} : { "content-range": `bytes ${start}-${end}/${content.length}` };
    response.writeHead(match === null ? 200 : 206, { "content-length": end - start + 1, ...range });
    response.end(content.subarray(start, end + 1));
  });
  port = await listening(server);
  proxy = createHttpServer();
  proxy.on("connect", (request, client, head) => {
    connects.push(request.url ?? "");
    const upstream = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    client.on("error", () => upstream.destroy());
  });
  proxyPort = await listening(proxy);
});
beforeEach(() => {
  connects = [];
  before = () => false;
});
afterAll(async () => {
  for (const one of [server, proxy]) {
    one.closeAllConnections();
    one.close();
  }
  await rm(directory, { recursive: true, force: true });
});

async function listening(one: Server): Promise<number> {
  one.listen(0, "127.0.0.1");
  await once(one, "listening");
  return (one.address() as AddressInfo).port;
}

async function fetchFrom(registry: string, transport: Transport, more: object = {}): Promise<void> {
  const path = join(directory, randomBytes(6).toString("hex"));
  const options = { transport, insecure: false, retry, ...more };
  try {
    await remoteRepository({ registry, repository: "some/model" }, options).fetchBlob!(blob, path);
    expect(digestOf(await readFile(path))).toBe(digest);
  } finally {
    transport.close();
  }
}

it("fetches over TLS from a registry whose authority was named", () =>
  fetchFrom(`localhost:${port}`, new Transport(undefined, ca)));

it("refuses it when nobody named that authority, before anything is sent", async () => {
  let asked = 0;
  before = () => ((asked += 1), false);
  await expect(fetchFrom(`localhost:${port}`, new Transport())).rejects.toMatchObject({ code: "registry.unreachable" });
  expect(asked).toBe(0);
});

it("fetches through a proxy, and reaches this machine without", async () => {
  const proxies = { HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` };
  await fetchFrom("registry.test", new Transport(undefined, ca, proxies));
  expect(connects).toContain("registry.test:443");
  connects = [];
  await fetchFrom(`localhost:${port}`, new Transport(undefined, ca, proxies));
  expect(connects).toEqual([]);
});

it("gets a new token when the old one runs out in the middle", async () => {
  let tokens = 0;
  let cuts = 0;
  before = (request, response) => {
    if (request.url?.startsWith("/token") === true) {
      response.end(JSON.stringify({ token: `token-${(tokens += 1)}`, expires_in: 3600 }));
      return true;
    }
    // The first token is good for one answer, which breaks off.
    const isGood = request.headers.authorization === `Bearer token-${cuts === 0 ? 1 : 2}`;
    if (!isGood) {
      const realm = `https://localhost:${port}/token`;
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="test"` }).end();
      return true;
    }
    if (cuts > 0) return false;
    cuts += 1;
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 5_000_000), () => response.destroy());
    return true;
  };
  await fetchFrom(`localhost:${port}`, new Transport(undefined, ca));
  expect([tokens, cuts]).toEqual([2, 1]);
});

it("gives up on a registry that lets its bytes drip and then stands still", async () => {
  let asked = 0;
  before = (_request, response) => {
    asked += 1;
    response.writeHead(200, { "content-length": content.length }).write(content.subarray(0, 10));
    return true;
  };
  const fetching = fetchFrom(`localhost:${port}`, new Transport(50, ca), { retry: { ...retry, attempts: 2 } });
  await expect(fetching).rejects.toMatchObject({ code: "registry.unreachable" });
  expect(asked).toBeGreaterThan(1);
});
