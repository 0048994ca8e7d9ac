// Whatever changed between two files, the delta rebuilds the second from the first; whatever a delta claims, no more than that comes out.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isPratiqueError } from "@pratique/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeDelta } from "./encode-delta.ts";
import { Dice, fineTuned, loraMerged, safetensors, syntheticModel, type Tensor } from "./models.fixture.ts";
import { rebuildDelta } from "./rebuild-delta.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-delta-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of source) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

async function deltaOf(
  base: Uint8Array,
  target: Uint8Array,
  method: "tensors" | "chunks" = "tensors",
): Promise<Buffer> {
  await writeFile(join(directory, "base"), base);
  await writeFile(join(directory, "target"), target);
  return collect(encodeDelta({ base: join(directory, "base"), target: join(directory, "target"), method }));
}

async function rebuilt(base: Uint8Array, delta: Uint8Array, targetBytes: number): Promise<Buffer> {
  await writeFile(join(directory, "base"), base);
  await writeFile(join(directory, "delta"), delta);
  return collect(rebuildDelta({ delta: join(directory, "delta"), base: join(directory, "base"), targetBytes }));
}

/** Bytes moved in percent of the file, having checked that the file can be rebuilt. */
async function percentMoved(base: Buffer, target: Buffer, method?: "tensors" | "chunks"): Promise<number> {
  const delta = await deltaOf(base, target, method);
  expect((await rebuilt(base, delta, target.length)).equals(target)).toBe(true);
  return (100 * delta.length) / target.length;
}

const model = syntheticModel(new Dice(7), { layers: 2, hidden: 256, vocabulary: 3000 });
const changed = (change: (tensor: Tensor) => Tensor): Buffer => safetensors(model.map(change));
const base = safetensors(model);

describe("weights as safetensors", () => {
  it("moves nothing of an unchanged file", async () => {
    expect(await percentMoved(base, base)).toBeLessThan(0.01);
  });

  it("moves next to nothing when only the header changed, although every tensor is elsewhere", async () => {
    expect(await percentMoved(base, safetensors(model, { note: "x".repeat(999) }))).toBeLessThan(0.1);
  });

  it("moves half of what chunks move for a merged LoRA, and less", async () => {
    const dice = new Dice(8);
    const merged = changed((tensor) =>
      /[qv]_proj/.test(tensor.name) ? loraMerged(dice, tensor, 16, 0.00005) : tensor,
    );
    expect(await percentMoved(base, merged)).toBeLessThan(0.5 * (await percentMoved(base, merged, "chunks")));
  });

  it.each([0.0005, 0.002, 0.01])("moves 0.35 of what chunks move for a full fine-tune by %d, and less", async (by) => {
    const dice = new Dice(9);
    const tuned = changed((tensor) => fineTuned(dice, tensor, by));
    expect(await percentMoved(base, tuned)).toBeLessThan(0.35 * (await percentMoved(base, tuned, "chunks")));
  });

  it("moves only the new rows of a vocabulary that grew", async () => {
    const [first, ...rest] = model as [Tensor, ...Tensor[]];
    const dice = new Dice(10);
    const more = Float32Array.from({ length: 8 * 256 }, () => dice.gaussian());
    const grown = { ...first, shape: [3008, 256], values: Float32Array.from([...first.values, ...more]) };
    expect(await percentMoved(base, safetensors([grown, ...rest]))).toBeLessThan(0.5);
  });

  it("finds tensors that were renamed", async () => {
    expect(
      await percentMoved(
        base,
        changed((tensor) => ({ ...tensor, name: `x.${tensor.name}` })),
      ),
    ).toBeLessThan(0.1);
  });
});

describe("any two files", () => {
  const noise = fc.uint8Array({ maxLength: 3000 });
  const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(5000), put: noise });

  it("are rebuilt whatever was edited", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200_000 }),
        fc.array(edit, { maxLength: 4 }),
        async (start, edits) => {
          let target = Buffer.from(start);
          for (const { at, cut, put } of edits) {
            const place = Math.floor(at * target.length);
            target = Buffer.concat([target.subarray(0, place), put, target.subarray(place + cut)]);
          }
          const delta = await deltaOf(start, target);
          expect((await rebuilt(start, delta, target.length)).equals(target)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("share what moved from one place to another", async () => {
    const random = Buffer.from(Uint32Array.from({ length: 500_000 }, () => new Dice(11).next() * 2 ** 32).buffer);
    const dice = new Dice(12);
    for (let i = 0; i < random.length; i++) random[i] = dice.next() * 256;
    const half = random.length / 2;
    const swapped = Buffer.concat([random.subarray(half), random.subarray(0, half)]);
    expect(await percentMoved(random, swapped)).toBeLessThan(30);
  });
});

describe("headers and deltas from outside", () => {
  it("a header that lies costs nothing but room", async () => {
    const lie = JSON.stringify({
      a: { dtype: "BF16", shape: [1], data_offsets: [-5, 10] },
      b: { dtype: "BF16", shape: [1], data_offsets: [0, 2 ** 53] },
      c: { dtype: "F8", shape: "x", data_offsets: [10, 5] },
      d: { dtype: "BF16", data_offsets: [0, 7] },
      e: { dtype: "BF16", data_offsets: [3, 9] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(lie.length));
    const file = Buffer.concat([length, Buffer.from(lie), Buffer.alloc(40_000, "abc")]);
    await percentMoved(file, Buffer.concat([file, Buffer.from("more")]));
  });

  it("a damaged delta is refused or makes other bytes of the same length, never more", async () => {
    const dice = new Dice(13);
    const target = changed((tensor) => fineTuned(dice, tensor, 0.01));
    const delta = await deltaOf(base, target);
    const damage = fc.record({ at: fc.integer({ min: 1, max: 4000 }), to: fc.nat(255), cut: fc.nat(40) });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, to, cut }) => {
        const bad = Buffer.from(delta.subarray(0, delta.length - cut));
        bad[bad.length - at] = to;
        const length = await rebuilt(base, bad, target.length).then(
          (bytes) => bytes.length,
          (error: unknown) => (isPratiqueError(error, "delta.invalid") ? target.length : error),
        );
        expect(length).toBe(target.length);
      }),
      { numRuns: 100 },
    );
  });

  it("says so when the base is another one, or the layer has another size", async () => {
    const delta = await deltaOf(base, base);
    await expect(rebuilt(base.subarray(1), delta, base.length)).rejects.toMatchObject({ code: "delta.wrong-base" });
    await expect(rebuilt(base, delta, base.length - 1)).rejects.toMatchObject({ code: "delta.invalid" });
  });
});
