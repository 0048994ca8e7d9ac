// Archives: what is written is read back, the same bytes each time; what strangers wrote is refused.
import { createTarPacker, type TarHeader } from "modern-tar";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gunzipStream, gzipStream } from "./gzip.ts";
import { readTar, type ArchiveLimits } from "./tar-reader.ts";
import { writeTar, type TarEntry } from "./tar-writer.ts";

const LIMITS: ArchiveLimits = { maxEntries: 100, maxBytes: 1024 * 1024 };

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(source: AsyncIterable<Uint8Array>, limits = LIMITS): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of readTar(source, limits)) {
    if (entry.type === "file") files[entry.path] = (await collect(entry.body)).toString("hex");
  }
  return files;
}

async function archiveOf(...headers: (TarHeader & { body?: string })[]): Promise<Buffer> {
  const { readable, controller } = createTarPacker();
  const bytes = collect(readable);
  for (const { body = "", ...header } of headers) {
    const writer = controller.add(header).getWriter();
    if (body !== "") await writer.write(Buffer.from(body));
    await writer.close();
  }
  controller.finalize();
  return bytes;
}

const segment = fc.stringMatching(/^[a-zа-я0-9_-]{1,60}$/);
const fileTree = fc
  .uniqueArray(
    fc.record({
      path: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `f${parts.join("/d")}`),
      body: fc.uint8Array({ maxLength: 3000 }),
    }),
    { selector: ({ path }) => path, maxLength: 12 },
  )
  // Nothing is a file and a directory at once: that is refused.
  .filter((files) => !files.some(({ path }) => files.some((other) => other.path.startsWith(`${path}/`))));

describe("writeTar and readTar", () => {
  it("give back every file, however the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fileTree, fc.integer({ min: 1, max: 2000 }), async (files, size) => {
        const archive = await collect(writeTar(files.map((file): TarEntry => ({ type: "file", ...file }))));
        const expected = Object.fromEntries(files.map(({ path, body }) => [path, Buffer.from(body).toString("hex")]));
        expect(await readAll(pieces(archive, size))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it("write the same bytes whatever the order entries come in", async () => {
    await fc.assert(
      fc.asyncProperty(fileTree, async (files) => {
        const entries = files.map((file): TarEntry => ({ type: "file", ...file }));
        const one = gzipStream(writeTar(entries), 6);
        const other = gzipStream(writeTar(entries.toReversed()), 6);
        expect(await collect(one.compressed)).toEqual(await collect(other.compressed));
        expect(one.diffId()).toBe(other.diffId());
      }),
      { numRuns: 20 },
    );
  });

  it("skip bodies that nobody reads", async () => {
    const body = Buffer.alloc(300_000, 7);
    const archive = await collect(writeTar(["a", "b", "c"].map((path): TarEntry => ({ type: "file", path, body }))));
    const paths: string[] = [];
    for await (const { path } of readTar(pieces(archive, 65_536), LIMITS)) paths.push(path);
    expect(paths).toEqual(["a", "b", "c"]);
  });

  it("refuse a file that is longer or shorter than announced", async () => {
    for (const size of [1, 5]) {
      const entry: TarEntry = { type: "file", path: "a", size, open: () => pieces(Buffer.from("abc"), 1) };
      await expect(collect(writeTar([entry]))).rejects.toMatchObject({ code: "artifact.changed" });
    }
  });
});

describe("hostile archives", () => {
  it.each<[string, TarHeader]>([
    ["a path that leaves its directory", { name: "a/../../b", size: 0 }],
    ["an absolute path", { name: "/etc/passwd", size: 0 }],
    ["a backslash", { name: "a\\..\\b", size: 0 }],
    ["a control character", { name: "a\nb", size: 0 }],
    ["a drive", { name: "C:x", size: 0 }],
    ["a symbolic link", { name: "a", size: 0, type: "symlink", linkname: "/etc" }],
    ["a hard link", { name: "a", size: 0, type: "link", linkname: "b" }],
    ["a device", { name: "a", size: 0, type: "character-device" }],
    ["a block device", { name: "a", size: 0, type: "block-device" }],
    ["a pipe", { name: "a", size: 0, type: "fifo" }],
    ["a path in an extended header that leaves", { name: "ok", size: 0, pax: { path: "../x" } }],
    ["a name of 300 characters", { name: `a/${"x".repeat(300)}`, size: 0 }],
  ])("are refused: %s", async (_, header) => {
    await expect(readAll(pieces(await archiveOf(header), 512))).rejects.toMatchObject({ code: "archive.unsafe" });
  });

  it("are refused when a name is there twice", async () => {
    const archive = await archiveOf({ name: "a", size: 1, body: "x" }, { name: "./a", size: 1, body: "y" });
    await expect(readAll(pieces(archive, 512))).rejects.toMatchObject({ code: "archive.unsafe" });
  });

  it("are refused when they are too large or too many", async () => {
    const two = await archiveOf({ name: "a", size: 3, body: "abc" }, { name: "b", size: 3, body: "abc" });
    await expect(readAll(pieces(two, 512), { maxEntries: 1, maxBytes: 100 })).rejects.toMatchObject({
      code: "archive.too-large",
    });
    await expect(readAll(pieces(two, 512), { maxEntries: 9, maxBytes: 5 })).rejects.toMatchObject({
      code: "archive.too-large",
    });
  });

  it("are refused when they unpack to far more than they weigh", async () => {
    const bomb = gzipStream(writeTar([{ type: "file", path: "zeros", body: Buffer.alloc(20 * 1024 * 1024) }]), 9);
    const bytes = await collect(bomb.compressed);
    expect(bytes.length).toBeLessThan(30_000);
    await expect(readAll(gunzipStream(pieces(bytes, 4096)))).rejects.toMatchObject({ code: "archive.too-large" });
    const tail = gzipStream(
      pieces(Buffer.concat([await archiveOf({ name: "a", size: 0 }), Buffer.alloc(8 * 1024 * 1024)]), 65_536),
      9,
    );
    await expect(readAll(gunzipStream(tail.compressed))).rejects.toMatchObject({ code: "archive.too-large" });
  });

  it("give a typed error for every cut and every changed byte", async () => {
    const archive = await archiveOf(
      { name: "a", size: 3, body: "abc" },
      { name: `dir/${"y".repeat(120)}`, size: 2, body: "de" },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1), fc.nat(255), fc.boolean(), async (at, byte, cut) => {
        const bytes = cut ? archive.subarray(0, at) : Buffer.from(archive);
        if (!cut) bytes[at] = byte;
        const outcome = await readAll(pieces(bytes, 512)).then(
          () => "archive.",
          (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : String(error)),
        );
        expect(outcome).toMatch(/^archive\./);
      }),
      { numRuns: 300 },
    );
  });

  it("give a typed error when the gzip is damaged", async () => {
    const bytes = await collect(
      gzipStream(writeTar([{ type: "file", path: "a", body: Buffer.from("abc") }]), 6).compressed,
    );
    await expect(readAll(gunzipStream(pieces(bytes.subarray(0, 30), 7)))).rejects.toMatchObject({
      code: "archive.damaged",
    });
    await expect(readAll(gunzipStream(pieces(Buffer.from("not gzip"), 3)))).rejects.toMatchObject({
      code: "archive.damaged",
    });
  });
});
