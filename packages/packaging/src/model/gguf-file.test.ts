// GGUF files that are whole, cut short, or no GGUF at all.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isPratiqueError } from "@pratique/core";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readGguf } from "./gguf-file.ts";

const VOYAGE = join(import.meta.dirname, "../../../../examples/voyage/model/voyage-q8.gguf");
let directory = "";
let whole = Buffer.alloc(0);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-gguf-"));
  whole = await readFile(VOYAGE);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function read(bytes: Uint8Array): Promise<unknown> {
  const path = join(directory, "m.gguf");
  await writeFile(path, bytes);
  return readGguf(path, "m.gguf");
}

describe("readGguf", () => {
  it("reads what the model says of itself", async () => {
    expect(await readGguf(VOYAGE, "voyage-q8.gguf")).toMatchObject({
      architecture: "llama",
      name: "voyage",
      licences: ["apache-2.0"],
      parameters: "378624",
      quantization: "Q8_0",
      isTransformer: true,
      contextLength: 512,
    });
  });

  it("says in which tensor a file is cut and how many bytes are missing", async () => {
    const error = await read(whole.subarray(0, whole.length - 1000)).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "model.truncated" });
    expect(String(error)).toMatch(
      /m\.gguf is cut short in tensor \S+ at byte \d+: it has 417176 bytes, \d+ bytes are missing/,
    );
  });

  it("finds every cut, wherever it is", async () => {
    const lastByte = whole.length - 32; // the padding after the last tensor may be missing
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: lastByte }), async (length) => {
        await expect(read(whole.subarray(0, length))).rejects.toMatchObject({ code: "model.truncated" });
      }),
      { numRuns: 60, examples: [[4], [5], [8], [12], [23], [24], [25], [200], [4000], [20_000]] },
    );
  });

  it("refuses what is no GGUF", async () => {
    await expect(read(Buffer.from(""))).rejects.toMatchObject({ code: "model.invalid" });
    await expect(read(Buffer.from("<html>not found</html>".repeat(10)))).rejects.toMatchObject({
      code: "model.invalid",
    });
    const version9 = Buffer.from(whole);
    version9.writeUInt32LE(9, 4);
    await expect(read(version9)).rejects.toMatchObject({ code: "model.invalid" });
  });

  it("answers with a model error to any damage of the header", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 4, max: 2000 }), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const damaged = Buffer.from(whole);
          for (const [at, byte] of changes) damaged[at] = byte;
          const failure = await read(damaged).then(
            () => "model.",
            (error: unknown) => (isPratiqueError(error) ? error.code : String(error)),
          );
          expect(failure).toMatch(/^model\./);
        },
      ),
      { numRuns: 40 },
    );
  });
});
