// An agent and everything it names leave one machine as a file and arrive on another, with their evidence.
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { BundleSaveResult, ImportResult, LockResult } from "@pratique/contracts";
import { EXAMPLES, pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const run = promisify(execFile);
let directory: string;
let here: { home: string; remove: () => Promise<void>; daemon: Daemon };
let there: typeof here;

async function machine(): Promise<typeof here> {
  const home = await temporaryHome();
  return { ...home, daemon: await startDaemon(home.home) };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-bundle-"));
  [here, there] = await Promise.all([machine(), machine()]);
  for (const [path, reference] of [
    ["model", "voyage/harbour-model:1.0.0"],
    ["harbour", "voyage/harbour:1.0.0"],
    ["skill/harbour-notes", "voyage/harbour-notes:1.0.0"],
    ["agent", "voyage/agent:1.0.0"],
  ] as const) {
    await here.daemon.client.pack({ directory: join(EXAMPLES, path), reference });
    await here.daemon.client.sign(reference);
  }
}, 120_000);

afterAll(async () => {
  for (const { daemon, remove } of [here, there]) {
    await daemon.stop();
    await remove();
  }
  await rm(directory, { recursive: true, force: true });
});

const digests = async (daemon: Daemon): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await daemon.client.artifacts()).map(({ reference, digest }) => [
      reference.slice(reference.indexOf("/") + 1),
      digest,
    ]),
  );

it("a bundle brings an agent's whole closure with its signatures, by the same digests", async () => {
  const file = join(directory, "voyage.tar");
  const saved = await pratique(["bundle", "save", file, "voyage/agent:1.0.0", "--json"], here);
  expect(saved.stderr).toBe("");
  expect(saved.json<BundleSaveResult>().artifacts).toHaveLength(4);
  const loaded = await pratique(["bundle", "load", file, "--json"], there);
  expect(
    loaded
      .json<ImportResult>()
      .artifacts.map(({ kind }) => kind)
      .toSorted(),
  ).toEqual(["agent", "mcp-server", "model", "skill"]);
  const expected = await digests(here.daemon);
  expect(await digests(there.daemon)).toEqual(expected);
  const details = await there.daemon.client.inspect("voyage/harbour:1.0.0");
  expect(details.referrers.length).toBeGreaterThan(0);
  // A reader of layouts that knows nothing of us.
  const { stdout } = await run("skopeo", ["inspect", "--raw", `oci-archive:${file}:voyage/harbour:1.0.0`]);
  expect(JSON.parse(stdout)).toHaveProperty("layers");
});

it("equal artifacts make equal bundles, and a file that is there is not replaced", async () => {
  const [one, two] = [join(directory, "one.tar"), join(directory, "two.tar")];
  for (const file of [one, two]) await pratique(["bundle", "save", file, "voyage/agent:1.0.0"], here);
  expect((await readFile(one)).equals(await readFile(two))).toBe(true);
  const again = await pratique(["bundle", "save", one, "voyage/agent:1.0.0"], here);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("bundle.file-exists")]);
});

it("a bundle that was changed on its way is refused, and nothing of it appears", async () => {
  const file = join(directory, "changed.tar");
  await pratique(["bundle", "save", file, "voyage/harbour-notes:1.0.0"], here);
  const bytes = await readFile(file);
  const at = bytes.indexOf("harbour", 2048);
  bytes[at] = 0x48;
  await writeFile(file, bytes);
  const fresh = await machine();
  try {
    const { code, stderr } = await pratique(["bundle", "load", file], fresh);
    expect([code, stderr]).toEqual([1, expect.stringContaining("digest.mismatch")]);
    expect(await fresh.daemon.client.artifacts()).toEqual([]);
  } finally {
    await fresh.daemon.stop();
    await fresh.remove();
  }
});

it("a lock pins what the agent names, comes along as one, and is read as its agent", async () => {
  const answer = await pratique(["lock", "voyage/agent:1.0.0", "--json"], here);
  const lock = answer.json<LockResult>();
  const expected = await digests(here.daemon);
  expect(lock.members.map(({ digest }) => digest).toSorted()).toEqual(
    ["agent", "harbour-model", "harbour", "harbour-notes"].map((name) => expected[`voyage/${name}:1.0.0`]).toSorted(),
  );
  const file = join(directory, "lock.tar");
  await pratique(["bundle", "save", file, "voyage/agent:1.0.0.lock"], here);
  await pratique(["bundle", "load", file], there);
  const details = await there.daemon.client.inspect("voyage/agent:1.0.0.lock");
  expect([details.kind, details.digest]).toEqual(["agent", lock.digest]);
  const again = await pratique(["lock", "voyage/agent:1.0.0", "--json"], here);
  expect(again.json<LockResult>().digest).toBe(lock.digest);
});

it("what was signed elsewhere can be cleared where that key is trusted, and nowhere else", async () => {
  const file = join(directory, "trusted.tar");
  await pratique(["bundle", "save", file, "voyage/harbour-notes:1.0.0"], here);
  await copyFile(join(here.home, "keys", "cosign.pub"), join(directory, "office.pub"));
  for (const [config, code] of [
    ["", 3],
    ["trust:\n  keys:\n    office: { file: office.pub }\n", 0],
  ] as const) {
    const place = await temporaryHome();
    await copyFile(join(directory, "office.pub"), join(place.home, "office.pub"));
    await writeFile(join(place.home, "pratique.yaml"), config);
    const daemon = await startDaemon(place.home);
    try {
      await pratique(["bundle", "load", file], place);
      expect((await pratique(["clear", "voyage/harbour-notes:1.0.0"], place)).code).toBe(code);
    } finally {
      await daemon.stop();
      await place.remove();
    }
  }
});

it("a lock of an agent that names something that is not here says what is missing", async () => {
  const source = join(directory, "lost");
  await mkdir(source);
  const yaml = await readFile(join(EXAMPLES, "agent", "agent.yaml"), "utf8");
  await writeFile(join(source, "agent.yaml"), yaml.replace("voyage/harbour-model:1.0.0", "voyage/no-such-model:1.0.0"));
  await here.daemon.client.pack({ directory: source, reference: "voyage/lost:1.0.0" });
  const { code, stderr } = await pratique(["lock", "voyage/lost:1.0.0"], here);
  expect([code, stderr]).toEqual([1, expect.stringContaining("voyage/no-such-model:1.0.0")]);
});
