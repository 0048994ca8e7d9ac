// A tile log of entries that are no records: what it answered is in its tree, and stays there.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@pratique/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemFiles, type LogFiles } from "./log-files.ts";
import { openLogKey, type LogKey } from "./log-key.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";
import { openCheckpoint } from "./note.ts";
import { TileLog } from "./tile-log.ts";
import { decodeBundle } from "./tile.ts";

let root = "";
let key: LogKey;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-tiles-"));
  key = await openLogKey(join(root, "key.pem"), "rekor.test");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = (files: LogFiles = systemFiles): Promise<TileLog> =>
  TileLog.open({ directory: join(root, "log"), key, log: silentLog, files });

it("proves each entry under a checkpoint that it signed, however many come at once", async () => {
  const log = await open();
  const entries = Array.from({ length: 300 }, (_, n) => Buffer.from(`entry ${n}`));
  const logged = await Promise.all(entries.map((entry) => log.append(entry)));
  expect(logged.map(({ index }) => index)).toEqual(entries.map((_, n) => n));
  for (const [n, { index, hashes, checkpoint }] of logged.entries()) {
    const { size, rootHash } = openCheckpoint(checkpoint.note, key);
    expect(verifyInclusion(leafHash(entries[n]!), index, size, hashes, Buffer.from(rootHash, "base64"))).toBe(true);
  }
  const bundle = decodeBundle((await log.tile("tile/entries/001.p/44"))!);
  expect(bundle?.map(String)).toEqual(entries.slice(256).map(String));
  await log.close();
});

it("goes on where it was, and takes any bytes up to its limit", async () => {
  const first = await open();
  await first.append(Buffer.from([0, 255, 10]));
  await first.close();
  await expect(first.append(Buffer.from("late"))).rejects.toMatchObject({ code: "audit.closed" });
  const second = await open();
  expect((await second.append(Buffer.alloc(65_535))).index).toBe(1);
  await expect(second.append(Buffer.alloc(65_536))).rejects.toMatchObject({ code: "audit.too-large" });
  expect(second.checkpoint.size).toBe(2);
  await second.close();
});

it("acknowledges nothing that a full disk did not take, and goes on when there is room", async () => {
  let isFull = false;
  const log = await open({
    ...systemFiles,
    writeAll: async (files) => {
      if (isFull) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      await systemFiles.writeAll(files);
    },
  });
  await log.append(Buffer.from("one"));
  isFull = true;
  await expect(log.append(Buffer.from("two"))).rejects.toMatchObject({ code: "audit.full" });
  expect(log.checkpoint.size).toBe(1);
  isFull = false;
  expect((await log.append(Buffer.from("three"))).index).toBe(1);
  await log.close();
});

it("refuses a log that was made with another key, or whose tiles were altered", async () => {
  const log = await open();
  await log.append(Buffer.from("one"));
  await log.close();
  const own = key;
  key = await openLogKey(join(root, "other.pem"), "rekor.test");
  await expect(open()).rejects.toMatchObject({ code: "audit.wrong-key" });
  key = own;
  const tiles = await readdir(join(root, "log/tile/0/000.p"));
  await writeFile(join(root, "log/tile/0/000.p", tiles[0]!), Buffer.alloc(32));
  await expect(open()).rejects.toMatchObject({ code: "audit.corrupt" });
});
