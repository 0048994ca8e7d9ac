// A delta hangs on its artifact, is found again, and makes the layer; what hangs there from elsewhere is checked.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, silentLog, systemClock } from "@pratique/core";
import { MEDIA_TYPES, openContentStore, type ContentStore, type LocalRepository, type Manifest } from "@pratique/oci";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DELTA_ARTIFACT_TYPE, findDeltas } from "./delta-manifest.ts";
import { Dice, fineTuned, safetensors, syntheticModel } from "./models.fixture.ts";
import { publishDelta } from "./publish-delta.ts";
import { rebuildLayer } from "./rebuild-layer.ts";

const dice = new Dice(21);
const tensors = syntheticModel(dice, { layers: 1, hidden: 256, vocabulary: 3000 });
const base = safetensors(tensors);
const tuned = safetensors(tensors.map((tensor) => fineTuned(dice, tensor, 0.002)));

let directory: string;
let store: ContentStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-delta-"));
  store = await openContentStore(directory, { clock: systemClock, log: silentLog });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

/** A tar with one file, as a layer of an image volume has it (POSIX ustar). */
function tar(name: string, bytes: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("0", 156);
  header.write("ustar\x0000", 257, "latin1");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc(((512 - (bytes.length % 512)) % 512) + 1024)]);
}

async function model(
  name: string,
  layer: Buffer,
  title = "model.safetensors",
): Promise<Manifest & { in: LocalRepository }> {
  const repository = store.repository(name);
  const config = await repository.putBlob(Buffer.from(JSON.stringify({ name })));
  const stored = await repository.putBlob(layer);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: "application/vnd.cncf.model.config.v1+json", ...config },
    layers: [
      {
        mediaType: "application/vnd.cncf.model.weight.v1.raw",
        ...stored,
        annotations: { "org.cncf.model.filepath": title },
      },
    ],
  };
  await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "1");
  return { ...(await repository.manifest("1"))!, in: repository };
}

it.each([
  ["as it lies", (bytes: Buffer) => bytes],
  ["inside of a tar", (bytes: Buffer) => tar("models/model.safetensors", bytes)],
])("moves a fine-tune %s", async (_, wrap) => {
  const [from, to] = [await model("team/base", wrap(base)), await model("team/tuned", wrap(tuned))];
  const { layers } = await publishDelta({
    repository: to.in,
    subject: to,
    base: { repository: from.in, manifest: from },
  });
  expect(layers[0]!.delta.size).toBeLessThan(0.2 * tuned.length);
  const [found] = await findDeltas(to.in, to);
  expect(found).toMatchObject({ target: digestOf(wrap(tuned)), base: digestOf(wrap(base)) });

  const elsewhere = store.repository("elsewhere/tuned");
  await elsewhere.putBlob(await to.in.openBlob(found!.delta.digest));
  const known = await from.in.localFile(found!.base);
  await rebuildLayer(elsewhere, found!, known.path);
  known.release();
  expect(await elsewhere.blobSize(found!.target)).toBe(wrap(tuned).length);
});

it("is the same delta when it is made again", async () => {
  const [from, to] = [await model("team/base", base), await model("team/tuned", tuned)];
  const options = { repository: to.in, subject: to, base: { repository: from.in, manifest: from } };
  const [one, two] = [await publishDelta(options), await publishDelta(options)];
  expect(two.descriptor.digest).toBe(one.descriptor.digest);
  expect(await to.in.referrers(to.descriptor.digest, DELTA_ARTIFACT_TYPE)).toHaveLength(1);
});

it("is not made when it would save nothing, or when there is nothing to compare", async () => {
  const noise = Buffer.from(Uint8Array.from({ length: 1_500_000 }, () => dice.next() * 256));
  const [from, to] = [await model("team/base", base), await model("team/other", noise)];
  const make = (manifest: typeof from) =>
    publishDelta({ repository: to.in, subject: to, base: { repository: manifest.in, manifest } });
  await expect(make(from)).rejects.toMatchObject({ code: "delta.not-smaller" });
  expect(await to.in.referrers(to.descriptor.digest)).toEqual([]);
  await expect(make(to)).rejects.toMatchObject({ code: "delta.no-base" });
});

it("from a stranger is ignored when it names no layer of the artifact or is larger than it", async () => {
  const to = await model("team/tuned", tuned);
  const empty = await to.in.putBlob(Buffer.from("{}"));
  const blob = await to.in.putBlob(Buffer.from("no delta"));
  const layer = (target: string, size: number) => ({
    mediaType: "application/vnd.pratique.delta.layer.v1",
    digest: blob.digest,
    size,
    annotations: { "dev.pratique.delta.base": digestOf("base"), "dev.pratique.delta.target": target },
  });
  const { mediaType, digest, size } = to.descriptor;
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType: DELTA_ARTIFACT_TYPE,
    config: { mediaType: MEDIA_TYPES.empty, ...empty },
    layers: [
      layer(digestOf("another layer"), blob.size),
      layer("nonsense", blob.size),
      layer(digestOf("{}"), blob.size),
    ],
    subject: { mediaType, digest, size },
  };
  await to.in.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
  expect(await findDeltas(to.in, to)).toEqual([]);
});
