import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readYamlFile } from "./yaml-file.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "prq-yaml-"))));
afterAll(() => rm(directory, { recursive: true, force: true }));

async function read(text: string): Promise<unknown> {
  const path = join(directory, "file.yaml");
  await writeFile(path, text);
  return await readYamlFile(path, "pratique example");
}

it("reads YAML as JSON, and an empty file as nothing", async () => {
  expect(await read("servers: [a]\n")).toEqual({ servers: ["a"] });
  expect(await read("# nothing\n")).toBeUndefined();
});

it.each([
  ["a: [\n", /file\.yaml is no YAML: .*line 2/],
  [`a: &x [1]\nb: [*x, *x]\n`, /file\.yaml is no YAML/],
  [`a: ${"x".repeat(300_000)}`, /larger than 256 KiB/],
])("says what is wrong with %j", async (text, message) => {
  await expect(read(text)).rejects.toMatchObject({ code: "cli.usage", message: expect.stringMatching(message) });
});

it("says that a file is not there, or is a directory", async () => {
  const missing = readYamlFile(join(directory, "none.yaml"), "pratique example");
  await expect(missing).rejects.toMatchObject({ code: "cli.usage", message: expect.stringContaining("is not there") });
  await expect(readYamlFile(directory, "pratique example")).rejects.toMatchObject({ code: "cli.usage" });
});
