import { digestOf, type Digest } from "@pratique/core";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FileCache } from "./file-cache.ts";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "pratique-files-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

let fetches = 0;
async function* content(text: string): AsyncGenerator<Uint8Array> {
  fetches += 1;
  yield Buffer.from(text);
}
const get = (cache: FileCache, text: string, digest: Digest = digestOf(text)) =>
  cache.file(digest, text.length, () => content(text));
const there = async (): Promise<number> => (await readdir(directory)).length;

it("fetches once for all who ask at once, and not again after a restart", async () => {
  fetches = 0;
  const cache = await FileCache.open(directory, 100);
  const files = await Promise.all([1, 2, 3].map(() => get(cache, "hello")));
  expect(await readFile(files[0]!.path, "utf8")).toBe("hello");
  await get(await FileCache.open(directory, 100), "hello");
  expect(fetches).toBe(1);
});

it("lets go of what was used longest ago, and never of what is in use", async () => {
  const cache = await FileCache.open(directory, 10);
  const [one, two] = [await get(cache, "11111"), await get(cache, "22222")];
  const three = await get(cache, "33333");
  expect(await there()).toBe(3);
  for (const file of [two, one, three]) file.release();
  two.release();
  const again = await get(cache, "33333");
  expect(await readFile(again.path, "utf8")).toBe("33333");
  const four = await get(cache, "44444");
  expect((await readdir(directory)).sort()).toEqual(
    [digestOf("33333"), digestOf("44444")].map((digest) => digest.replace(":", "-")).sort(),
  );
  four.release();
});

it("keeps nothing that is not its digest's", async () => {
  const cache = await FileCache.open(directory, 10);
  await expect(get(cache, "evil", digestOf("good"))).rejects.toMatchObject({ code: "digest.mismatch" });
  expect(await there()).toBe(0);
});

it("removes what was not whole when it ended, and fetches again what somebody took away or cut", async () => {
  await writeFile(join(directory, "x.partial"), "half");
  const cache = await FileCache.open(directory, 100);
  expect(await there()).toBe(0);
  const { path } = await get(cache, "hello");
  await rm(path);
  expect(await readFile((await get(cache, "hello")).path, "utf8")).toBe("hello");
  await writeFile(path, "he");
  expect(await readFile((await get(cache, "hello")).path, "utf8")).toBe("hello");
});
