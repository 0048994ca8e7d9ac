// Durable files against a real file system.
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileError } from "./file-error.ts";
import { ensureDirectory, removeLeftovers, writeFileDurably, writeFilesDurably } from "./durable-file.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-store-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("writeFileDurably", () => {
  it("replaces a file whole and leaves nothing beside it", async () => {
    const path = join(directory, "a");
    await writeFileDurably(path, "one");
    await writeFileDurably(path, new Uint8Array([116, 119, 111]));
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(directory)).toEqual(["a"]);
  });

  it("gives a secret file its mode from the first byte", async () => {
    const path = join(directory, "key");
    await writeFileDurably(path, "secret", { mode: 0o600 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("keeps the old content and removes the partial file when writing fails", async () => {
    await ensureDirectory(join(directory, "taken"));
    await writeFileDurably(join(directory, "taken", "inside"), "x");
    await expect(writeFileDurably(join(directory, "taken"), "y")).rejects.toMatchObject({ code: "store.not-writable" });
    expect(await readdir(directory)).toEqual(["taken"]);
  });

  it("says that the disk is full", async () => {
    // The kernel's own full device: any write to it is ENOSPC.
    const failure = await writeFile("/dev/full", "x").catch((error: unknown) => fileError(error, "/dev/full"));
    expect(failure).toMatchObject({ code: "store.full" });
  });
});

describe("writeFilesDurably", () => {
  it("writes all, in several directories", async () => {
    await ensureDirectory(join(directory, "d"));
    await writeFilesDurably([
      { path: join(directory, "a"), bytes: "1" },
      { path: join(directory, "d/b"), bytes: "2" },
    ]);
    expect([await readFile(join(directory, "a"), "utf8"), await readFile(join(directory, "d/b"), "utf8")]).toEqual([
      "1",
      "2",
    ]);
  });

  it("publishes none when one cannot be written, and leaves no partial file", async () => {
    const files = [
      { path: join(directory, "a"), bytes: "1" },
      { path: join(directory, "missing/b"), bytes: "2" },
    ];
    await expect(writeFilesDurably(files)).rejects.toMatchObject({ code: "store.io" });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("ensureDirectory", () => {
  it("makes missing parents and accepts one that is there", async () => {
    const path = join(directory, "a/b/c");
    await ensureDirectory(path);
    await ensureDirectory(path);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it("fails where nothing can be made, instead of trying for ever", async () => {
    // /proc answers ENOENT to every mkdir.
    await expect(ensureDirectory("/proc/pratique/home")).rejects.toMatchObject({ code: "store.io" });
  });

  it("refuses a file in the way", async () => {
    await writeFileDurably(join(directory, "f"), "x");
    await expect(ensureDirectory(join(directory, "f"))).rejects.toMatchObject({ code: "store.not-writable" });
    await expect(ensureDirectory(join(directory, "f/g"))).rejects.toMatchObject({ code: "store.not-writable" });
  });
});

it("removes leftovers of interrupted writes and nothing else", async () => {
  await writeFile(join(directory, ".a.0123456789ab.partial"), "half");
  await writeFile(join(directory, ".hidden"), "kept");
  expect(await removeLeftovers(directory)).toBe(1);
  expect(await readdir(directory)).toEqual([".hidden"]);
});
