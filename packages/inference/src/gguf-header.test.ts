import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { readGgufHeader } from "./gguf-header.ts";

const voyage = fileURLToPath(new URL("../../../examples/voyage/model/voyage-q8.gguf", import.meta.url));
let directory: string;
let bytes: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-gguf-"));
  bytes = await readFile(voyage);
});

async function fileOf(name: string, content: Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

describe("the header of a GGUF file", () => {
  it("tells architecture, context and chat template", async () => {
    const header = await readGgufHeader(voyage);
    expect(header).toMatchObject({ architecture: "llama", contextTokens: 512 });
    expect(header.chatTemplate).toContain("<|assistant|>");
  });

  it.each([0, 3, 8, 23, 100, 5000])("is refused when the file ends after %i bytes", async (size) => {
    const path = await fileOf(`cut-${size}`, bytes.subarray(0, size));
    await expect(readGgufHeader(path)).rejects.toMatchObject({ code: "model.file-invalid" });
  });

  it("is refused when a length in it claims the impossible", async () => {
    const forged = Buffer.from(bytes.subarray(0, 4096));
    forged.writeBigUInt64LE(2n ** 60n, 24);
    const path = await fileOf("forged", forged);
    await expect(readGgufHeader(path)).rejects.toMatchObject({ code: "model.file-invalid" });
  });

  it("never brings anything but a header or that error", async () => {
    const head = bytes.subarray(0, 2048);
    await fc.assert(
      fc.asyncProperty(fc.nat(2047), fc.nat(255), async (at, value) => {
        const mutated = Buffer.from(head);
        mutated[at] = value;
        const path = await fileOf("mutated", mutated);
        const code = await readGgufHeader(path).then(
          () => "fine",
          (error: { code?: string }) => error.code,
        );
        expect(["fine", "model.file-invalid"]).toContain(code);
      }),
      { numRuns: 50 },
    );
  });

  it("names a file that is not there", async () => {
    await expect(readGgufHeader(join(directory, "none"))).rejects.toMatchObject({ code: "model.file-invalid" });
  });
});
