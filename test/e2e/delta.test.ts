// A fine-tune moves between two of our registries as its difference from its base, in both directions; others notice nothing.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeltaResult } from "@pratique/contracts";
import { Dice, fineTuned, safetensors, syntheticModel } from "../../packages/delta/src/models.fixture.ts";
import { pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const dice = new Dice(31);
const tensors = syntheticModel(dice, { layers: 2, hidden: 384, vocabulary: 4000 });
let directory: string;
let here: { home: string; remove: () => Promise<void>; daemon: Daemon };
let there: typeof here;

async function machine(): Promise<typeof here> {
  const home = await temporaryHome();
  return { ...home, daemon: await startDaemon(home.home) };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-delta-"));
  [here, there] = await Promise.all([machine(), machine()]);
  for (const [name, weights] of [
    ["base", tensors],
    ["tuned", tensors.map((tensor) => fineTuned(dice, tensor, 0.002))],
  ] as const) {
    const model = join(directory, name);
    await mkdir(model);
    await writeFile(join(model, "model.safetensors"), safetensors(weights));
    await writeFile(join(model, "config.json"), JSON.stringify({ model_type: "llama", name }));
    await here.daemon.client.pack({ directory: model, kind: "model", reference: `team/${name}:1.0.0` });
  }
  await here.daemon.client.sign("team/tuned:1.0.0");
}, 120_000);

afterAll(async () => {
  for (const { daemon, remove } of [here, there]) {
    await daemon.stop();
    await remove();
  }
  await rm(directory, { recursive: true, force: true });
});

const hostOf = ({ daemon }: typeof here): string => `localhost:${new URL(daemon.url).port}`;
const owner = ({ daemon }: typeof here) => ({ username: "owner", password: daemon.token });

/** What the record of the last transfer says of layers that were rebuilt. */
async function rebuilt({ daemon }: typeof here, action: string): Promise<unknown> {
  const records = await daemon.client.records({ action, limit: 1000 });
  return records.flatMap(({ details }) => (details?.["rebuilt"] === undefined ? [] : [details["rebuilt"]])).at(-1);
}

it("is hung on the artifact, and is a fraction of it", async () => {
  const result = await pratique(["delta", "team/tuned:1.0.0", "team/base:1.0.0", "--json"], here);
  expect(result.stderr).toBe("");
  const { layers } = result.json<DeltaResult>();
  expect(layers).toHaveLength(1);
  expect(layers[0]!.deltaBytes).toBeLessThan(0.25 * layers[0]!.targetBytes);
});

it("is all that a push sends to a registry of ours that has the base", async () => {
  const target = `${hostOf(there)}/team/tuned:1.0.0`;
  const credentials = owner(there);
  await here.daemon.client.push({
    reference: "team/base:1.0.0",
    target: `${hostOf(there)}/team/tuned:base`,
    credentials,
  });
  await here.daemon.client.push({ reference: "team/tuned:1.0.0", target, credentials });
  expect(await rebuilt(here, "artifact:push")).toMatchObject({ layers: 1 });
  const [from, to] = await Promise.all([
    here.daemon.client.inspect("team/tuned:1.0.0"),
    there.daemon.client.inspect("team/tuned:1.0.0"),
  ]);
  expect(to.layers).toEqual(from.layers);
  expect(to.referrers.length).toBe(from.referrers.length);
});

it("is all that a pull fetches when the base is here", async () => {
  const third = await machine();
  try {
    const credentials = owner(there);
    const pull = (tag: string, name: string) =>
      third.daemon.client.pull({ reference: `${hostOf(there)}/team/tuned:${tag}`, target: name, credentials });
    await pull("base", "models/base:1.0.0");
    await pull("1.0.0", "models/tuned:1.0.0");
    const saved = await rebuilt(third, "artifact:pull");
    expect(saved).toMatchObject({ layers: 1 });
    const { layerBytes, deltaBytes } = saved as { layerBytes: number; deltaBytes: number };
    expect(deltaBytes).toBeLessThan(0.25 * layerBytes);
  } finally {
    await third.daemon.stop();
    await third.remove();
  }
});

it("is not noticed by a client that knows nothing of it", async () => {
  const layout = join(directory, "layout");
  const source = `docker://${hostOf(there)}/team/tuned:1.0.0`;
  const credentials = `owner:${there.daemon.token}`;
  await promisify(execFile)("skopeo", [
    "copy",
    "--src-creds",
    credentials,
    "--src-tls-verify=false",
    source,
    `oci:${layout}:1.0.0`,
  ]);
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as { manifests: { digest: string }[] };
  const { digest } = await there.daemon.client.inspect("team/tuned:1.0.0");
  expect(index.manifests.map((one) => one.digest)).toEqual([digest]);
});

it("that is damaged, or whose base is gone, costs only the saving", async () => {
  const fresh = await machine();
  try {
    const reference = `${hostOf(there)}/team/tuned:1.0.0`;
    await fresh.daemon.client.pull({ reference, target: "models/tuned:1.0.0", credentials: owner(there) });
    expect(await rebuilt(fresh, "artifact:pull")).toBeUndefined();
    expect((await fresh.daemon.client.inspect("models/tuned:1.0.0")).kind).toBe("model");
  } finally {
    await fresh.daemon.stop();
    await fresh.remove();
  }
});
