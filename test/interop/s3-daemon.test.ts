// The daemon with its content in a bucket: peers push and follow the redirect of pulls; pack, sign, clear and run work.
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, silentLog, systemClock, type Digest } from "@pratique/core";
import { openContentStore, type S3Place } from "@pratique/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES, pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";
import { peerOrSkip } from "./peers/debian-sid.ts";
import { startS3Server } from "./peers/s3-server.ts";

const server = await startS3Server();
const isMissing = typeof server === "string";
afterAll(async () => {
  if (typeof server !== "string") await server.stop();
});

function run(command: string, args: readonly string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.on("error", (error) => resolve({ code: -1, text: error.message }));
    child.on("close", (code) => resolve({ code: code ?? -1, text }));
  });
}

describe.skipIf(isMissing && !process.env["CI"])("a daemon whose content is in a bucket", () => {
  let home: Awaited<ReturnType<typeof temporaryHome>>;
  let daemon: Daemon;
  let place: S3Place;
  let host: string;
  let files: string;
  const layer = randomBytes(3_000_000);

  beforeAll(async () => {
    if (typeof server === "string") throw new Error(server);
    home = await temporaryHome();
    files = join(home.home, "files");
    await mkdir(files);
    place = await server.makeBucket();
    const keys = join(home.home, "bucket-keys.yaml");
    await writeFile(keys, JSON.stringify(server.credentials), { mode: 0o600 });
    const storage = { type: "s3", endpoint: place.endpoint.href, bucket: place.bucket, credentialsFile: keys };
    await writeFile(join(home.home, "pratique.yaml"), JSON.stringify({ registry: { storage } }));
    daemon = await startDaemon(home.home, { env: { PRATIQUE_LOG_LEVEL: "debug" } });
    host = new URL(daemon.url).host;
  });
  afterAll(async () => {
    await daemon.stop();
    await home.remove();
  });

  const get = (path: string, more: Record<string, string> = {}): Promise<Response> =>
    fetch(`${daemon.url}${path}`, {
      redirect: "manual",
      headers: { authorization: `Bearer ${daemon.token}`, ...more },
    });

  async function pushBlob(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    const answer = await fetch(`${daemon.url}/v2/by/hand/blobs/uploads/?digest=${digest}`, {
      method: "POST",
      headers: { authorization: `Bearer ${daemon.token}` },
      body: Buffer.from(bytes),
    });
    expect(answer.status).toBe(201);
    return digest;
  }

  it("redirects pulls of large blobs, after the record, to an address that needs nothing else", async () => {
    const digest = await pushBlob(layer);
    const head = await fetch(`${daemon.url}/v2/by/hand/blobs/${digest}`, {
      method: "HEAD",
      headers: { authorization: `Bearer ${daemon.token}` },
    });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(layer.length)]);
    const answer = await get(`/v2/by/hand/blobs/${digest}`);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([307, "no-store"]);
    const whole = await fetch(answer.headers.get("location")!);
    expect(Buffer.from(await whole.arrayBuffer()).equals(layer)).toBe(true);
    const records = await daemon.client.records({ limit: 100 });
    const pulls = records.filter(({ action }) => action === "artifact:pull").map((record) => JSON.stringify(record));
    expect(pulls.filter((pull) => pull.includes(digest) && pull.includes("redirect"))).toHaveLength(1);
    expect(JSON.stringify(records)).not.toContain("X-Amz-Signature");
    const known = await get(`/v2/by/hand/blobs/${digest}`, { "if-none-match": `"${digest}"` });
    expect(known.status).toBe(304);
  });

  it("sends small blobs, and what is for scripts of web pages, itself", async () => {
    const small = await pushBlob(Buffer.from("hello"));
    const answer = await get(`/v2/by/hand/blobs/${small}`, { range: "bytes=1-3" });
    expect([answer.status, await answer.text()]).toEqual([206, "ell"]);
    const large = await pushBlob(layer);
    const script = await get(`/v2/by/hand/blobs/${large}`, {
      "sec-fetch-mode": "cors",
      "sec-fetch-site": "same-origin",
    });
    expect(script.status).toBe(200);
    expect(Buffer.from(await script.arrayBuffer()).equals(layer)).toBe(true);
  });

  it("gives no address to who may not pull", async () => {
    const digest = await pushBlob(layer);
    const answer = await fetch(`${daemon.url}/v2/by/hand/blobs/${digest}`, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([401, null]);
    expect((await get(`/v2/other/blobs/${digest}`)).status).toBe(404);
  });

  it("lets oras push and pull", async (context) => {
    const oras = await peerOrSkip(context, "oras");
    await writeFile(join(files, "weights.bin"), layer);
    const login = ["--plain-http", "-u", "owner", "-p", daemon.token];
    const pushed = await oras.run(["push", ...login, `${host}/peers/oras:1`, "weights.bin"], { cwd: files });
    expect([pushed.code, pushed.code === 0 ? "" : pushed.stderr]).toEqual([0, ""]);
    const out = join(home.home, "out");
    const pulled = await oras.run(["pull", ...login, "-o", out, `${host}/peers/oras:1`]);
    expect([pulled.code, pulled.code === 0 ? "" : pulled.stderr]).toEqual([0, ""]);
    expect((await readFile(join(out, "weights.bin"))).equals(layer)).toBe(true);
  });

  it("lets skopeo push and pull", async (context) => {
    const skopeo = await run("skopeo", ["--version"]);
    if (skopeo.code !== 0) return context.skip("skopeo is not installed");
    const source = join(home.home, "source");
    const store = await openContentStore(source, { clock: systemClock, log: silentLog });
    const repository = store.repository("image");
    const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [digestOf(layer)] } };
    const type = "application/vnd.oci.image";
    const manifest = {
      schemaVersion: 2,
      mediaType: `${type}.manifest.v1+json`,
      config: {
        mediaType: `${type}.config.v1+json`,
        ...(await repository.putBlob(Buffer.from(JSON.stringify(config)))),
      },
      layers: [{ mediaType: `${type}.layer.v1.tar`, ...(await repository.putBlob(layer)) }],
    };
    const { digest } = await repository.putManifest(Buffer.from(JSON.stringify(manifest)), manifest.mediaType, "1");
    await store.close();
    const credentials = `owner:${daemon.token}`;
    const there = `docker://${host}/peers/skopeo:1`;
    const to = ["--dest-tls-verify=false", "--dest-creds", credentials];
    const from = ["--src-tls-verify=false", "--src-creds", credentials];
    const pushed = await run("skopeo", ["copy", "--preserve-digests", ...to, `oci:${source}/image:1`, there]);
    expect([pushed.code, pushed.code === 0 ? "" : pushed.text]).toEqual([0, ""]);
    const back = join(home.home, "back");
    const pulled = await run("skopeo", ["copy", "--preserve-digests", ...from, there, `oci:${back}:1`]);
    expect([pulled.code, pulled.code === 0 ? "" : pulled.text]).toEqual([0, ""]);
    const blobs = await readdir(join(back, "blobs", "sha256"));
    expect(blobs).toContain(digest.slice(7));
    expect(blobs).toContain(createHash("sha256").update(layer).digest("hex"));
  });

  it("packs, signs and clears what then lies in the bucket alone", async () => {
    const reference = `${host}/tools/skill:1`;
    const options = { home: home.home };
    for (const args of [
      ["pack", join(EXAMPLES, "skill", "harbour-notes"), "tools/skill:1"],
      ["sign", reference],
      ["clear", reference],
    ]) {
      const result = await pratique(args, options);
      expect([args[0], result.code, result.code === 0 ? "" : result.stderr]).toEqual([args[0], 0, ""]);
    }
    expect(await readdir(join(home.home, "registry"))).toEqual([]);
    expect((await stat(join(home.home, "cache"))).isDirectory()).toBe(true);
  });

  it("keeps the keys out of its log", () => {
    if (typeof server === "string") return;
    expect(daemon.log()).not.toContain(server.credentials.secretAccessKey);
    expect(daemon.log()).not.toContain("X-Amz-Signature");
  });
});
