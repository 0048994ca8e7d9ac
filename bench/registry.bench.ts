// The registry beside Debian's `docker-registry` and a bare Node: CPU of the server's process per request and per GiB.
// `PRATIQUE_BENCH_ONLY=small` or `large` takes one half.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { median, printTable } from "./measure.ts";
import { BLOCK } from "./registry/block.ts";
import {
  cpuSeconds,
  startBare,
  startDebianRegistry,
  startOurs,
  startSidRegistry,
  type Server,
} from "./registry/servers.ts";

const CONNECTIONS = 32;
const ROUNDS = 3;
const REPOSITORY = "bench/image";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const GIB = 1024 ** 3;

const only = process.env["PRATIQUE_BENCH_ONLY"] ?? "";
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const blob = BLOCK.subarray(0, 4096);
const config = Buffer.from(
  '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}',
);
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: config.length },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: digestOf(blob), size: blob.length }],
  }),
);

const requests = {
  "blob 4 KiB GET": { method: "GET", path: `blobs/${digestOf(blob)}`, count: 12_000 },
  "manifest GET by tag": { method: "GET", path: "manifests/1.0", count: 12_000 },
  "manifest GET by digest": { method: "GET", path: `manifests/${digestOf(manifest)}`, count: 12_000 },
  "manifest HEAD by tag": { method: "HEAD", path: "manifests/1.0", count: 12_000 },
  "manifest HEAD by digest": { method: "HEAD", path: `manifests/${digestOf(manifest)}`, count: 12_000 },
} as const;

/** Runs a program of `bench/registry` to its end. */
function work(program: string, args: readonly (string | number)[], input: string): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "registry", program), ...args.map(String)], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  child.stdin.end(input);
  return new Promise((done, fail) => {
    child.on("close", (code) => (code === 0 ? done() : fail(new Error(`${program} ended with ${code}`))));
  });
}

const head = (server: Server, method: string, path: string, more = ""): string =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${server.authorization}Accept: ${MANIFEST_TYPE}\r\n${more}\r\n`;

async function send(server: Server, method: string, path: string, type?: string, body?: Uint8Array): Promise<Response> {
  const authorization = server.authorization.replace(/^Authorization: |\r\n$/g, "");
  const headers = {
    ...(authorization === "" ? {} : { Authorization: authorization }),
    ...(type === undefined ? {} : { "Content-Type": type }),
  };
  const url = new URL(path, `http://127.0.0.1:${server.port}`);
  const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: Buffer.from(body) }) });
  if (!answer.ok) throw new Error(`${server.name}: ${method} ${path} answers ${answer.status} ${await answer.text()}`);
  return answer;
}

/** The place of a new upload, ready for a query. */
async function startUpload(server: Server): Promise<string> {
  const started = await send(server, "POST", `/v2/${REPOSITORY}/blobs/uploads/`);
  const { pathname, search } = new URL(started.headers.get("location") ?? "", `http://127.0.0.1:${server.port}`);
  return `${pathname}${search === "" ? "?" : `${search}&`}`;
}

async function fill(server: Server): Promise<void> {
  for (const bytes of [blob, config]) {
    const place = await startUpload(server);
    await send(server, "PUT", `${place}digest=${digestOf(bytes)}`, "application/octet-stream", bytes);
  }
  await send(server, "PUT", `/v2/${REPOSITORY}/manifests/1.0`, MANIFEST_TYPE, manifest);
}

/** Microseconds a request. */
async function costOf(server: Server, method: string, path: string, count: number): Promise<number> {
  const request = head(server, method, path);
  const before = cpuSeconds(server.pid);
  await work("load.ts", [server.port, CONNECTIONS, count], request);
  return ((cpuSeconds(server.pid) - before) * 1e6) / count;
}

async function compareSmall(servers: readonly Server[]): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const [what, { method, path, count }] of Object.entries(requests)) {
    const bare = await startBare(what.startsWith("blob") ? blob : manifest);
    started.push(bare);
    const costs = new Map<string, number[]>();
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const server of [...servers, bare]) {
        const isOther = server.name.startsWith("docker");
        const cost = await costOf(server, method, `/v2/${REPOSITORY}/${path}`, isOther ? count / 8 : count);
        if (round > 0) costs.set(server.name, [...(costs.get(server.name) ?? []), cost]);
      }
    }
    const [ours = 0, ...others] = [...costs.values()].map(median);
    rows.push([
      what,
      ours,
      ...others.flatMap((cost, at) => [cost, at < others.length - 1 ? cost / ours : ours / cost]),
    ]);
  }
  const names = servers.slice(1).flatMap(({ name }) => [name, `÷ ours`]);
  printTable(
    `Registry: CPU µs a request, ${CONNECTIONS} connections, median of ${ROUNDS}`,
    ["request", "Pratique", ...names, "bare Node", "ours ÷ bare"],
    rows,
  );
}

/** A digest of 1 GiB of blocks. */
function largeDigest(): string {
  const hash = createHash("sha256");
  for (let sent = 0; sent < GIB; sent += BLOCK.length) hash.update(BLOCK);
  return `sha256:${hash.digest("hex")}`;
}

async function compareLarge(servers: readonly Server[]): Promise<void> {
  const digest = largeDigest();
  const costs = new Map<string, { push: number[]; pull: number[] }>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const server of servers) {
      const cost = costs.get(server.name) ?? { push: [], pull: [] };
      costs.set(server.name, cost);
      const place = await startUpload(server);
      const begun = cpuSeconds(server.pid);
      const more = `Content-Type: application/octet-stream\r\nContent-Length: ${GIB}\r\n`;
      await work("large.ts", ["push", server.port, GIB], head(server, "PUT", `${place}digest=${digest}`, more));
      const pushed = cpuSeconds(server.pid);
      cost.push.push(pushed - begun);
      const path = `/v2/${REPOSITORY}/blobs/${digest}`;
      await work("large.ts", ["pull", server.port, GIB], head(server, "GET", path));
      cost.pull.push(cpuSeconds(server.pid) - pushed);
      await send(server, "DELETE", path);
    }
  }
  const sums = [...costs].map(([name, { push, pull }]) => ({ name, push: median(push), pull: median(pull) }));
  const [ours] = sums;
  printTable(
    `Registry: CPU seconds per GiB, one blob of 1 GiB, median of ${ROUNDS}`,
    ["server", "push", "ours ÷ it", "pull", "ours ÷ it"],
    sums.map(({ name, push, pull }) => [
      name,
      push.toFixed(2),
      ((ours?.push ?? 0) / push).toFixed(2),
      pull.toFixed(2),
      ((ours?.pull ?? 0) / pull).toFixed(2),
    ]),
  );
}

const started = [await startOurs(), await startDebianRegistry(), await startSidRegistry()];
const servers = started.filter((server) => server !== undefined);
if (servers.length < started.length) {
  process.stdout.write("A peer is missing: apt-get install -y --no-install-recommends docker-registry\n");
}
try {
  for (const server of servers) await fill(server);
  if (only !== "large") await compareSmall(servers);
  if (only !== "small") await compareLarge(servers);
} finally {
  for (const server of started) await server?.stop();
}
