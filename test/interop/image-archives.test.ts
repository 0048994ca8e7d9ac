// Archives and layouts as podman and skopeo write them come in whole, and go out again to them.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ImportResult } from "@pratique/contracts";
import { EXAMPLES, pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const run = promisify(execFile);
let directory: string;
let home: string;
let remove: () => Promise<void>;
let daemon: Daemon;

/** Blobs of the image that all archives here are made of. */
let layerDigests: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-archives-"));
  ({ home, remove } = await temporaryHome());
  daemon = await startDaemon(home);
  await daemon.client.pack({ directory: join(EXAMPLES, "harbour"), reference: "tools/harbour:1.0.0" });
  await skopeo("copy", source(), `oci:${directory}/layout:1.0.0`);
  await skopeo("copy", source(), `oci-archive:${directory}/oci.tar:1.0.0`);
  await skopeo("copy", source(), `docker-archive:${directory}/docker.tar:example.test/tools/harbour:2.0.0`);
  const { layers } = await daemon.client.inspect("tools/harbour:1.0.0");
  layerDigests = layers.map(({ digest }) => digest);
}, 120_000);

afterAll(async () => {
  await daemon.stop();
  await remove();
  await rm(directory, { recursive: true, force: true });
});

function source(): string {
  return `docker://${new URL(daemon.url).host}/tools/harbour:1.0.0`;
}

async function skopeo(...args: string[]): Promise<void> {
  const credentials = args[0] === "copy" ? ["--src-creds", `owner:${daemon.token}`, "--src-tls-verify=false"] : [];
  await run("skopeo", [args[0]!, ...credentials, ...args.slice(1)]);
}

async function imported(...args: string[]): Promise<ImportResult["artifacts"]> {
  const result = await pratique(["import", ...args, "--json"], { home });
  expect(result.stderr).toBe("");
  return result.json<ImportResult>().artifacts;
}

it.each(["layout", "oci.tar"])("an OCI %s keeps its digests", async (name) => {
  const before = await daemon.client.inspect("tools/harbour:1.0.0");
  const [artifact] = await imported(join(directory, name), `copied/${name.replace(".", "-")}:1.0.0`);
  const after = await daemon.client.inspect(artifact!.reference);
  expect(after.layers.map(({ digest }) => digest)).toEqual(before.layers.map(({ digest }) => digest));
});

it("a Docker archive comes in under the name it has there, without its host", async () => {
  const [artifact] = await imported(join(directory, "docker.tar"));
  expect(artifact!.reference).toMatch(/\/tools\/harbour:2\.0\.0$/);
  // Docker archives hold layers uncompressed: other bytes, the same files.
  const { layers } = await daemon.client.inspect(artifact!.reference);
  expect(layers).toHaveLength(layerDigests.length);
  await run("skopeo", [
    "inspect",
    "--creds",
    `owner:${daemon.token}`,
    "--tls-verify=false",
    `docker://${artifact!.reference}`,
  ]);
});

it("compressed archives are read as well", async () => {
  const bytes = await readFile(join(directory, "docker.tar"));
  await writeFile(join(directory, "docker.tar.gz"), gzipSync(bytes, { level: 1 }));
  await writeFile(join(directory, "docker.tar.zst"), zstdCompressSync(bytes));
  const [gzip] = await imported(join(directory, "docker.tar.gz"), "copied/gzip:1");
  const [zstd] = await imported(join(directory, "docker.tar.zst"), "copied/zstd:1");
  expect(gzip!.digest).toBe(zstd!.digest);
});

it("what holds no image, or no name, or several, says so", async () => {
  await writeFile(join(directory, "none.tar"), Buffer.alloc(10_240));
  const none = await pratique(["import", join(directory, "none.tar"), "copied/none:1"], { home });
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("image.not-an-archive")]);
  const nameless = await pratique(["import", join(directory, "oci.tar")], { home });
  expect([nameless.code, nameless.stderr]).toEqual([1, expect.stringContaining("import.no-name")]);
  const wrong = await pratique(["import", join(directory, "docker.tar"), "--image", "other:1"], { home });
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("import.no-image")]);
});
