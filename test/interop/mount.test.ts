// skopeo and oras copy an image to another repository of ours, with tokens: its blobs are mounted, and not sent again.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pratique, startDaemon, type Daemon } from "../support/program.ts";
import { execute } from "./peers/sid-tree.ts";
import { peerOrSkip } from "./peers/debian-sid.ts";

let directory = "";
let home = "";
let daemon: Daemon;
let host = "";
let auth = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "prq-mount-"));
  home = join(directory, "home");
  daemon = await startDaemon(home);
  host = new URL(daemon.url).host;
  await mkdir(join(directory, ".docker"));
  auth = join(directory, ".docker", "config.json");
  const entry = { auth: Buffer.from(`me:${daemon.token}`).toString("base64") };
  await writeFile(auth, JSON.stringify({ auths: { [host]: entry } }), { mode: 0o600 });
  await writeFile(join(directory, "file"), "content to mount");
});
afterAll(async () => {
  await daemon.stop();
  await rm(directory, { recursive: true, force: true });
});

/** How often something was mounted into a repository, as the audit log says. */
async function mounts(into: string): Promise<number> {
  const { stdout } = await pratique(["audit", "tail", "--json"], { home });
  // One record after the other: its resource, and after that where it was mounted from.
  const records = stdout.split('"principal":').filter((text) => text.includes(`/${into}"`));
  return records.filter((text) => text.includes('"mountedFrom"')).length;
}

it("skopeo and oras mount across repositories with token auth", async (context) => {
  const oras = await peerOrSkip(context, "oras");
  const run = async (args: string[]): Promise<void> => {
    const { code, stdout, stderr } = await oras.run(args, { cwd: directory, env: { HOME: directory } });
    expect([code, code === 0 ? "" : `${stdout}${stderr}`]).toEqual([0, ""]);
  };
  const plain = ["--plain-http", "--registry-config", auth];
  await run(["push", ...plain, "--artifact-type", "application/vnd.test", `${host}/team/one:1`, "file:text/plain"]);
  await run([
    "cp",
    "--from-plain-http",
    "--to-plain-http",
    "--from-registry-config",
    auth,
    "--to-registry-config",
    auth,
    `${host}/team/one:1`,
    `${host}/team/two:1`,
  ]);
  expect(await mounts("team/two")).toBeGreaterThan(0);
  const sides = ["--src-tls-verify=false", "--dest-tls-verify=false", "--authfile", auth];
  // It learns by a first copy where the blobs lie, and mounts from there in the next.
  for (const to of ["three", "four"]) {
    const copied = await execute(
      ["skopeo", "--insecure-policy", "copy", ...sides, `docker://${host}/team/one:1`, `docker://${host}/team/${to}:1`],
      { env: process.env },
    );
    expect([copied.code, copied.code === 0 ? "" : copied.stderr]).toEqual([0, ""]);
  }
  expect(await mounts("team/four")).toBeGreaterThan(0);
});
