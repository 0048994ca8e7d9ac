// Archives made to harm: each trick is refused with a code, nothing grows past its bounds, and no input gets another error.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readTar, type ArchiveEntry, type ArchiveLimits } from "./tar-reader.ts";
import { zipOf, type ZipFixtureEntry } from "./zip.fixture.ts";
import { readZip } from "./zip-reader.ts";

const LIMITS: ArchiveLimits = { maxEntries: 20, maxBytes: 64 * 1024 };

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pratique-hostile-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

interface Outcome {
  readonly code: string;
  readonly files: Readonly<Record<string, string>>;
}

async function outcomeOf(entries: AsyncIterable<ArchiveEntry>): Promise<Outcome> {
  const files: Record<string, string> = {};
  let bytes = 0;
  try {
    for await (const entry of entries) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.body) {
        bytes += chunk.length;
        chunks.push(chunk);
      }
      if (entry.type === "file") files[entry.path] = Buffer.concat(chunks).toString("latin1");
    }
    return { code: "read", files };
  } catch (error) {
    return { code: error instanceof Error && "code" in error ? String(error.code) : String(error), files };
  } finally {
    expect(bytes).toBeLessThanOrEqual(LIMITS.maxBytes);
    expect(Object.keys(files).length).toBeLessThanOrEqual(LIMITS.maxEntries);
  }
}

async function unzip(bytes: Uint8Array): Promise<Outcome> {
  const path = join(home, "a.zip");
  await writeFile(path, bytes);
  return outcomeOf(readZip(path, LIMITS));
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 512) yield bytes.subarray(at, at + 512);
}

const untar = (bytes: Uint8Array): Promise<Outcome> => outcomeOf(readTar(pieces(bytes), LIMITS));

interface RawEntry {
  readonly name: string;
  readonly type?: string;
  readonly size?: number;
  readonly body?: string | Buffer;
}

/** Blocks as they are told, sound or not. */
function tarOf(...entries: readonly RawEntry[]): Buffer {
  const blocks = entries.map(({ name, type = "0", body = "", size }) => {
    const bytes = Buffer.from(body);
    const block = Buffer.alloc(512);
    block.write(name, 0, 100, "utf8");
    block.write("0000644\u00000000000\u00000000000\u0000", 100, "latin1");
    block.write((size ?? bytes.length).toString(8).padStart(11, "0"), 124, "latin1");
    block.write("00000000000\u0000        ", 136, "latin1");
    block.write(type, 156, "latin1");
    block.write("ustar\u000000", 257, "latin1");
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148, "latin1");
    return Buffer.concat([block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function pax(...records: readonly (readonly [string, string])[]): string {
  return records
    .map(([key, value]) => {
      const tail = ` ${key}=${value}\n`;
      let length = Buffer.byteLength(tail) + 1;
      while (String(length).length + Buffer.byteLength(tail) !== length) length += 1;
      return `${length}${tail}`;
    })
    .join("");
}

describe("a zip archive is refused", () => {
  const plain: ZipFixtureEntry = { path: "a", body: "abc" };
  const zeros = { path: "zeros", body: Buffer.alloc(2 * LIMITS.maxBytes), deflate: true };
  it.each<[string, string, Buffer]>([
    ["with a path that leaves", "archive.unsafe", zipOf([{ path: "a/../../b" }])],
    ["with an absolute path", "archive.unsafe", zipOf([{ path: "/etc/passwd" }])],
    ["with a drive", "archive.unsafe", zipOf([{ path: "C:/x" }])],
    ["with a backslash", "archive.unsafe", zipOf([{ path: "a\\..\\b" }])],
    ["with a NUL in a name", "archive.unsafe", zipOf([{ path: "a\u0000.txt" }])],
    ["with a link", "archive.unsafe", zipOf([{ path: "l", body: "/etc", mode: 0o120777 }])],
    ["with a device", "archive.unsafe", zipOf([{ path: "d", mode: 0o020666 }])],
    ["with a directory that is a file", "archive.unsafe", zipOf([{ path: "d/", mode: 0o100644 }])],
    ["with a name twice", "archive.unsafe", zipOf([plain, plain])],
    ["with a name twice but for case", "archive.unsafe", zipOf([plain, { path: "A" }])],
    ["with a name twice but for composition", "archive.unsafe", zipOf([{ path: "\u00e9" }, { path: "e\u0301" }])],
    ["with directories that differ in case", "archive.unsafe", zipOf([{ path: "d/a" }, { path: "D/b" }])],
    ["with a file below a file", "archive.unsafe", zipOf([plain, { path: "a/b" }])],
    ["with a file over a directory", "archive.unsafe", zipOf([{ path: "a/b" }, plain])],
    ["with an encrypted entry", "archive.unsafe", zipOf([{ ...plain, deflate: true, lies: { flags: 0x0801 } }])],
    ["with two headers that differ", "archive.unsafe", zipOf([{ ...plain, lies: { localPath: "b" } }])],
    ["with entries that overlap", "archive.unsafe", zipOf([plain, { path: "b", body: "abc", lies: { offset: 0 } }])],
    ["that is a bomb", "archive.too-large", zipOf([zeros])],
    ["that is a bomb and lies", "archive.damaged", zipOf([{ ...zeros, lies: { size: 10 } }])],
    ["with huge extra fields", "archive.too-large", hugeExtras()],
    ["with too many entries", "archive.too-large", zipOf(Array.from({ length: 21 }, (_, at) => ({ path: `f${at}` })))],
    ["that counts fewer than it has", "archive.damaged", zipOf([plain, { path: "b" }], { count: 1 })],
    ["that counts more than it has", "archive.damaged", zipOf([plain], { count: 2 })],
    ["with a size beyond it", "archive.too-large", zipOf([{ ...plain, lies: { compressedSize: 3000, size: 3000 } }])],
    ["with a wrong size", "archive.damaged", zipOf([{ ...plain, deflate: true, lies: { size: 4 } }])],
    ["with a wrong checksum", "archive.damaged", zipOf([{ ...plain, lies: { crc: 1 } }])],
    ["with an unknown compression", "archive.damaged", zipOf([{ ...plain, lies: { method: 99 } }])],
    ["with zip64 sizes that lie", "archive.too-large", zipOf([zip64({ ...plain, deflate: true }, 2n ** 40n)])],
    ["with zip64 sizes past what counts", "archive.damaged", zipOf([zip64(plain, 2n ** 63n)])],
    ["with zip64 sizes that are not there", "archive.damaged", zipOf([{ ...plain, lies: { size: 0xffffffff } }])],
    ["with a directory elsewhere", "archive.damaged", zipOf([plain], { directoryOffset: 5 })],
    ["that is something else", "archive.damaged", Buffer.from("no archive at all, but long enough to be one")],
  ])("%s", async (_, code, bytes) => {
    expect((await unzip(bytes)).code).toBe(code);
  });

  it("and an archive in an archive stays a file", async () => {
    const inner = zipOf([plain]);
    expect(await unzip(zipOf([{ path: "inner.zip", body: inner }]))).toEqual({
      code: "read",
      files: { "inner.zip": inner.toString("latin1") },
    });
  });

  it("whatever is changed in it, with a code and within bounds", async () => {
    const sound = zipOf([plain, { path: "dir/" }, { path: "dir/b", body: "hello ".repeat(50), deflate: true }]);
    const change = fc.record({ at: fc.nat(sound.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(sound.length), async (changes, cut) => {
        const bytes = Buffer.from(sound);
        for (const { at, byte } of changes) bytes[at] = byte;
        const { code } = await unzip(cut % 5 === 0 ? bytes.subarray(0, cut) : bytes);
        expect(code).toMatch(/^(?:read$|archive\.)/);
      }),
      { numRuns: 300 },
    );
  });

  it("whatever it lies about, with a code and within bounds", async () => {
    const size = fc.option(fc.oneof(fc.nat(10_000), fc.constant(0xffffffff)), { nil: undefined });
    const entry = fc.record({
      path: fc.constantFrom("a", "A", "b/c", "b", "../x", "d/", "é", "e\u0301", "x".repeat(300)),
      body: fc.string({ maxLength: 200 }),
      deflate: fc.boolean(),
      mode: fc.constantFrom(0o100644, 0o040755, 0o120777, 0o060600, 0),
      size,
      compressedSize: size,
      offset: fc.option(fc.nat(500), { nil: undefined }),
      extra: fc.uint8Array({ maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 25 }), fc.nat(30), async (entries, count) => {
        const listed = entries.map(({ path, body, deflate, mode, ...rest }): ZipFixtureEntry => {
          const lies = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
          return { path, body, deflate, mode, lies };
        });
        const { code, files } = await unzip(zipOf(listed, count > 25 ? { count } : {}));
        expect(code).toMatch(/^(?:read$|archive\.)/);
        const folded = Object.keys(files).map((path) => path.normalize("NFC").toLowerCase());
        expect(new Set(folded).size).toBe(folded.length);
      }),
      { numRuns: 300 },
    );
  });
});

function zip64(entry: ZipFixtureEntry, size: bigint): ZipFixtureEntry {
  const extra = Buffer.alloc(20);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(16, 2);
  extra.writeBigUInt64LE(size, 4);
  extra.writeBigUInt64LE(3n, 12);
  return { ...entry, lies: { size: 0xffffffff, compressedSize: 0xffffffff, extra } };
}

function hugeExtras(): Buffer {
  const extra = Buffer.alloc(65_000);
  extra.writeUInt16LE(0x9999, 0);
  extra.writeUInt16LE(64_996, 2);
  return zipOf(Array.from({ length: 18 }, (_, at) => ({ path: `f${at}`, lies: { extra } })));
}

describe("a tar archive is refused", () => {
  const long = Buffer.from(`${"n".repeat(150)}\u0000`);
  it.each<[string, string, Buffer]>([
    ["with a name twice but for case", "archive.unsafe", tarOf({ name: "a" }, { name: "A" })],
    ["with directories that differ in case", "archive.unsafe", tarOf({ name: "d/a" }, { name: "D/b" })],
    ["with a file below a file", "archive.unsafe", tarOf({ name: "a" }, { name: "a/b" })],
    ["with a file over a directory", "archive.unsafe", tarOf({ name: "a/", type: "5" }, { name: "a" })],
    ["with a directory that has a size", "archive.unsafe", tarOf({ name: "d/", type: "5", body: "x" })],
    ["with a type that nobody knows", "archive.unsafe", tarOf({ name: "a", type: "Z" })],
    ["with a file in parts", "archive.unsafe", tarOf({ name: "a", type: "M" })],
    ["with a sparse file of PAX", "archive.unsafe", withPax("x", ["GNU.sparse.major", "1"])],
    ["with a path for all that follow", "archive.unsafe", withPax("g", ["path", "b"])],
    ["with a size for all that follow", "archive.unsafe", withPax("g", ["size", "0"])],
    ["with a path that leaves, in PAX", "archive.unsafe", withPax("x", ["path", "../b"])],
    ["with two paths in PAX", "archive.damaged", withPax("x", ["path", "a"], ["path", "b"])],
    ["with a NUL in PAX", "archive.damaged", withPax("x", ["path", "a\u0000/../b"])],
    ["with a size in PAX that is no number", "archive.damaged", withPax("x", ["size", "-1"])],
    ["with a size in PAX past what counts", "archive.damaged", withPax("x", ["size", "9".repeat(30)])],
    ["with a size in PAX past its end", "archive.damaged", withPax("x", ["size", "60000"])],
    [
      "with a name of GNU and one of PAX",
      "archive.unsafe",
      Buffer.concat([tarOf({ name: "L", type: "L", body: long }).subarray(0, 1024), withPax("x", ["path", "b"])]),
    ],
    [
      "with a PAX record that is longer than it",
      "archive.damaged",
      tarOf({ name: "x", type: "x", body: "99 path=a\n" }, { name: "a" }),
    ],
    [
      "with extended headers without end",
      "archive.damaged",
      tarOf(...Array.from({ length: 12 }, () => ({ name: "x", type: "x", body: pax(["mtime", "1"]) }))),
    ],
    ["with a huge extended header", "archive.too-large", tarOf({ name: "x", type: "x", size: 1024 * 1024 * 1024 })],
    ["with a size beyond all bounds", "archive.too-large", tarOf({ name: "a", size: 0o7777777777 })],
    [
      "with a directory again and again",
      "archive.too-large",
      tarOf(...Array.from({ length: 30 }, () => ({ name: "d/", type: "5" }))),
    ],
  ])("%s", async (_, code, bytes) => {
    expect((await untar(bytes)).code).toBe(code);
  });

  it("and a comment for all that follow is none of that", async () => {
    expect(await untar(withPax("g", ["comment", "0123abc"]))).toMatchObject({ code: "read", files: { a: "" } });
  });

  it("whatever its headers say, with a code and within bounds", async () => {
    const entry = fc.record({
      name: fc.constantFrom("a", "A", "a/b", "b/", "../x", "./c", "", "d\\e", "é", "e\u0301"),
      type: fc.constantFrom("0", "5", "2", "1", "x", "g", "L", "K", "S", "7", "\u0000"),
      body: fc.oneof(
        fc.string({ maxLength: 600 }),
        fc.constantFrom("path", "size", "linkpath", "GNU.sparse.map").map((key) => pax([key, "1"])),
      ),
      size: fc.option(fc.nat(3000), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 25 }), async (entries) => {
        const raw = entries.map(({ size, ...rest }) => (size === undefined ? rest : { ...rest, size }));
        const { code, files } = await untar(tarOf(...raw));
        expect(code).toMatch(/^(?:read$|archive\.)/);
        const folded = Object.keys(files).map((path) => path.normalize("NFC").toLowerCase());
        expect(new Set(folded).size).toBe(folded.length);
      }),
      { numRuns: 500 },
    );
  });

  it("before it was read much further than its bounds", async () => {
    let read = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      yield tarOf({ name: "a", size: 40_000 }).subarray(0, 512);
      for (;;) {
        read += 4096;
        yield Buffer.alloc(4096);
      }
    };
    const { code } = await outcomeOf(readTar(endless(), LIMITS));
    expect(code).toBe("archive.too-large");
    expect(read).toBeLessThan(4 * LIMITS.maxBytes);
  });
});

function withPax(type: string, ...records: readonly (readonly [string, string])[]): Buffer {
  return tarOf({ name: "x", type, body: pax(...records) }, { name: "a" });
}
