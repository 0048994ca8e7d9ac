// `pratique push DIRECTORY TARGET` to Debian's `docker-registry`, and what skopeo and oras read there.
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@pratique/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDebianRegistry, type Server } from "../../bench/registry/servers.ts";
import { EXAMPLES, pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";
import { ensureSidTree, skipWithout, type SidTree } from "./peers/sid-tree.ts";

interface Pushed {
  readonly digest: string;
  readonly sbom: string;
  readonly provenance: string;
}

let registry: Server | undefined;
let oras: SidTree | string;
let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let directory: string;
let target: string;

beforeAll(async () => {
  [registry, oras, place] = await Promise.all([startDebianRegistry(), ensureSidTree("oras"), temporaryHome()]);
  daemon = await startDaemon(place.home);
  directory = await mkdtemp(join(tmpdir(), "prq-push-"));
  await mkdir(join(directory, "model"));
  const weights = await readFile(join(EXAMPLES, "model", "voyage-q8.gguf"));
  await writeFile(join(directory, "model", "voyage-q8.gguf"), weights);
  target = `127.0.0.1:${registry?.port}/team/voyage:1.0.0`;
}, 120_000);
afterAll(async () => {
  await daemon.stop();
  await registry?.stop();
  await place.remove();
  await rm(directory, { recursive: true, force: true });
});

async function push(): Promise<Pushed> {
  const result = await pratique(["push", join(directory, "model"), target, "--json"], { home: place.home });
  expect(result.stderr).toBe("");
  return result.json<Pushed>();
}

it("is what skopeo and oras see, and stays itself when it is pushed again", { timeout: 60_000 }, async (test) => {
  if (registry === undefined) return skipWithout(test, "docker-registry", "it is not installed");
  const first = await push();
  expect(await push()).toEqual(first);

  const raw = spawnSync("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${target}`], {
    encoding: "utf8",
  });
  expect(raw.stderr).toBe("");
  expect(digestOf(raw.stdout)).toBe(first.digest);

  if (typeof oras === "string") return skipWithout(test, "oras", oras);
  const program = [oras.loader, "--library-path", oras.libraryPath, join(oras.root, "usr/bin/oras")] as const;
  const run = (...args: string[]) => spawnSync(program[0], [...program.slice(1), ...args], { encoding: "utf8" });
  const layer = (JSON.parse(raw.stdout) as { layers: { digest: string }[] }).layers[0]!.digest;
  const copy = join(directory, "copy");
  const fetched = run("blob", "fetch", "--plain-http", "-o", copy, `${target.replace(/:1\.0\.0$/, "")}@${layer}`);
  expect({ status: fetched.status, stderr: fetched.stderr }).toMatchObject({ status: 0 });
  expect(digestOf(await readFile(copy))).toBe(digestOf(await readFile(join(directory, "model", "voyage-q8.gguf"))));
  const found = run("discover", "--plain-http", "--format", "json", target);
  expect(found.stdout).toContain(first.sbom);
  expect(found.stdout).toContain(first.provenance);
});
