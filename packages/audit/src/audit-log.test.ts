// The log end to end, on a real disk and a real database.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyConsistency, verifyInclusion } from "./merkle.ts";
import { bodyOf, TestLog } from "./log.fixture.ts";
import { verifyLogDirectory } from "./verify.ts";

let test: TestLog;
beforeEach(async () => {
  test = await TestLog.make();
});
afterEach(() => test.remove());

const bytesOf = (text: string) => Buffer.from(text, "base64");

describe("append", () => {
  it("numbers records in order, in groups or one by one, and finds them at once", async () => {
    const log = await test.open();
    const first = await log.append(bodyOf(0));
    const rest = await Promise.all(Array.from({ length: 70 }, (_, at) => log.append(bodyOf(at + 1))));
    expect([first, ...rest].map(({ sequence }) => sequence)).toEqual(Array.from({ length: 71 }, (_, at) => at));
    expect(log.size()).toBe(71);
    expect((await log.find({ limit: 2 })).map(({ sequence }) => sequence)).toEqual([70, 69]);
    expect(await log.get(first.id)).toEqual(first);
    expect(await log.find({ run: "run-3", order: "oldest", limit: 1 })).toEqual([rest[2]]);
  });

  it("replaces details that are too large by their digest", async () => {
    const log = await test.open();
    const record = await log.append({ ...bodyOf(0), details: { text: "x".repeat(70_000) } });
    expect(record.details).toMatchObject({ omitted: true, sizeBytes: 70_011 });
    expect(String(record.details?.["digest"])).toMatch(/^sha256:/);
    expect((await log.verify()).ok).toBe(true);
  });

  it("refuses what is no record, and goes on", async () => {
    const log = await test.open();
    await expect(log.append({ ...bodyOf(0), durationMs: -1 })).rejects.toMatchObject({ code: "audit.bad-record" });
    await expect(log.append({ ...bodyOf(0), durationMs: Number.NaN })).rejects.toMatchObject({
      code: "audit.bad-record",
    });
    const id = "x".repeat(70_000);
    await expect(log.append({ ...bodyOf(0), run: id })).rejects.toMatchObject({ code: "audit.too-large" });
    expect((await log.append(bodyOf(1))).sequence).toBe(0);
  });

  it("goes on while checkpoints, proofs, queries and verifications run beside it", async () => {
    const log = await test.open({ maxJournalBytes: 4000 });
    const appender = async (first: number): Promise<void> => {
      for (let at = first; at < first + 60; at += 1) await log.append(bodyOf(at));
    };
    const reader = async (): Promise<void> => {
      for (let at = 0; at < 10; at += 1) {
        await log.append(bodyOf(at));
        const [last] = await log.find({ limit: 1 });
        const { hashes, leafHash, checkpoint } = await log.inclusionProof(last!.sequence);
        const root = bytesOf(checkpoint.rootHash);
        expect(verifyInclusion(bytesOf(leafHash), last!.sequence, checkpoint.size, hashes.map(bytesOf), root)).toBe(
          true,
        );
        expect((await log.verify()).checks.filter(({ ok }) => !ok)).toEqual([]);
      }
    };
    await Promise.all([...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => appender(n * 100)), reader(), reader()]);
    expect((await log.checkpoint()).size).toBe(500);
    expect(await log.find({ limit: 1000 })).toHaveLength(500);
  });

  it("publishes by itself when the log falls quiet", async () => {
    const tasks: (() => void)[] = [];
    const log = await test.open({ later: (task) => (tasks.push(task), () => undefined) });
    await log.append(bodyOf(0));
    expect(tasks).toHaveLength(1);
    tasks[0]!();
    await expect
      .poll(
        async () =>
          Buffer.from((await log.tile("checkpoint")) ?? [])
            .toString()
            .split("\n")[1],
      )
      .toBe("1");
  });

  it("refuses after close", async () => {
    const log = await test.open();
    await log.close();
    await expect(log.append(bodyOf(0))).rejects.toMatchObject({ code: "audit.closed" });
  });
});

describe("reopening", () => {
  it("keeps everything after a clean close", async () => {
    const records = await test.fill(300);
    const log = await test.open();
    expect(log.size()).toBe(300);
    expect(await log.get(records[299]!.id)).toEqual(records[299]);
    expect((await log.verify()).ok).toBe(true);
  });

  it("recovers what only the journal has", async () => {
    const log = await test.open();
    await log.append(bodyOf(0));
    await log.append(bodyOf(1));
    await test.abandon();
    const again = await test.open();
    expect(again.size()).toBe(2);
    expect((await again.checkpoint()).size).toBe(2);
    expect(await again.find({})).toHaveLength(2);
  });

  it("builds the index anew from the log", async () => {
    const records = await test.fill(600);
    await test.loseDatabase();
    const log = await test.open();
    expect(await log.find({ limit: 1000, order: "oldest" })).toEqual(records);
  });

  it("refuses a log that was replaced by an older copy", async () => {
    await test.fill(3);
    await rm(test.directory, { recursive: true });
    await expect(test.open()).rejects.toMatchObject({ code: "audit.rolled-back" });
  });

  it("refuses a log of another key", async () => {
    await test.fill(3);
    await rm(test.keyFile);
    await expect(test.open()).rejects.toMatchObject({ code: "audit.wrong-key" });
  });

  it("drops a torn write that nobody was told of", async () => {
    const log = await test.open();
    await log.append(bodyOf(0));
    await test.abandon();
    const journal = join(test.directory, "journal");
    const bytes = await readFile(journal);
    await writeFile(journal, Buffer.concat([bytes, bytes.subarray(0, bytes.length - 1)]));
    expect((await test.open()).size()).toBe(1);
  });
});

describe("checkpoint and tiles", () => {
  it("signs the empty log", async () => {
    const log = await test.open();
    const { size, rootHash, note, origin } = await log.checkpoint();
    expect([size, origin]).toEqual([0, "pratique.local/log"]);
    expect(rootHash).toBe("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    expect(Buffer.from((await log.tile("checkpoint")) ?? []).toString()).toBe(note);
  });

  it("serves full tiles, partial tiles, and partial ones that wider ones replaced", async () => {
    const log = await test.open();
    await log.append(bodyOf(0));
    await log.checkpoint();
    const early = await log.tile("tile/0/000.p/1");
    expect(early).toHaveLength(32);
    await Promise.all(Array.from({ length: 299 }, (_, at) => log.append(bodyOf(at + 1))));
    await log.checkpoint();
    expect(await log.tile("tile/0/000.p/1")).toEqual(early);
    expect(await log.tile("tile/0/000")).toHaveLength(256 * 32);
    expect(await log.tile("tile/0/001.p/44")).toHaveLength(44 * 32);
    expect(await log.tile("tile/1/000.p/1")).toHaveLength(32);
    expect(Buffer.from((await log.tile("tile/entries/001.p/1")) ?? []).toString()).toContain('"sequence":256');
    for (const absent of ["tile/0/001", "tile/0/001.p/45", "tile/0/../../key.pem", "journal", "tile/0/000.p/0", ""]) {
      expect(await log.tile(absent)).toBeUndefined();
    }
  });

  it("leaves on disk just the files that the layout asks for", async () => {
    await test.fill(300);
    const files = (await readdir(test.directory, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());
    expect(files.map((e) => join(e.parentPath, e.name).slice(test.directory.length + 1)).sort()).toEqual([
      "checkpoint",
      "checkpoints",
      "journal",
      "tile/0/000",
      "tile/0/001.p/44",
      "tile/1/000.p/1",
      "tile/entries/000",
      "tile/entries/001.p/44",
    ]);
  });
});

describe("proofs", () => {
  it("prove each record and each older size", async () => {
    const log = await test.open();
    const roots = new Map<number, Buffer>();
    for (const count of [1, 2, 200, 97]) {
      await Promise.all(Array.from({ length: count }, (_, at) => log.append(bodyOf(at))));
      const { size, rootHash } = await log.checkpoint();
      roots.set(size, bytesOf(rootHash));
    }
    for (const sequence of [0, 2, 255, 256, 299]) {
      const { leafHash, hashes, checkpoint } = await log.inclusionProof(sequence);
      const root = bytesOf(checkpoint.rootHash);
      expect(verifyInclusion(bytesOf(leafHash), sequence, 300, hashes.map(bytesOf), root)).toBe(true);
    }
    for (const [oldSize, oldRoot] of roots) {
      const { hashes, checkpoint } = await log.consistencyProof(oldSize);
      expect(verifyConsistency(oldSize, 300, hashes.map(bytesOf), oldRoot, bytesOf(checkpoint.rootHash))).toBe(true);
    }
    await expect(log.inclusionProof(300)).rejects.toMatchObject({ code: "audit.no-record" });
    await expect(log.consistencyProof(301)).rejects.toMatchObject({ code: "audit.no-record" });
  });
});

describe("verifyLogDirectory", () => {
  it("accepts a sound log without its database, and its extension of an older checkpoint", async () => {
    await test.fill(3);
    const since = await readFile(join(test.directory, "checkpoint"), "utf8");
    await test.fill(300);
    const report = await verifyLogDirectory({ directory: test.directory, vkey: test.vkey, since });
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report).toMatchObject({ ok: true, records: 303, checkpoint: { size: 303 } });
  });

  it("counts records that no checkpoint covers yet", async () => {
    const log = await test.open();
    await log.append(bodyOf(0));
    await test.abandon();
    const report = await verifyLogDirectory({ directory: test.directory, vkey: test.vkey });
    expect(report).toMatchObject({ ok: true, records: 1, checkpoint: { size: 0 } });
  });

  it("refuses a log that does not extend the older checkpoint", async () => {
    await test.fill(5);
    const since = await readFile(join(test.directory, "checkpoint"), "utf8");
    await rm(test.directory, { recursive: true });
    await test.loseDatabase();
    await test.fill(7);
    const report = await verifyLogDirectory({ directory: test.directory, vkey: test.vkey, since });
    expect(report.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["since"]);
  });

  it("fails on a flipped byte anywhere, and names the file", async () => {
    const log = await test.open();
    await Promise.all(Array.from({ length: 260 }, (_, at) => log.append(bodyOf(at))));
    await log.checkpoint();
    await log.append(bodyOf(260));
    await test.abandon();
    const files = (await readdir(test.directory, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());
    expect(files).toHaveLength(8);
    for (const entry of files) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(test.directory.length + 1);
      const bytes = await readFile(path);
      for (const at of [0, Math.floor(bytes.length / 3), Math.floor(bytes.length / 2), bytes.length - 1]) {
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 1;
        await writeFile(path, flipped);
        const report = await verifyLogDirectory({ directory: test.directory, vkey: test.vkey });
        const failures = report.checks.filter(({ ok }) => !ok);
        expect(failures.map(({ detail }) => detail).join("; ")).toContain(name);
      }
      await writeFile(path, bytes);
    }
    expect((await verifyLogDirectory({ directory: test.directory, vkey: test.vkey })).ok).toBe(true);
  });

  it("fails when a file is missing", async () => {
    await test.fill(300);
    for (const name of ["checkpoint", "checkpoints", "tile/0/000", "tile/entries/000", "tile/1/000.p/1"]) {
      const bytes = await readFile(join(test.directory, name));
      await rm(join(test.directory, name));
      const { ok } = await verifyLogDirectory({ directory: test.directory, vkey: test.vkey });
      expect({ name, ok }).toEqual({ name, ok: false });
      await writeFile(join(test.directory, name), bytes);
    }
  });
});

describe("verify", () => {
  it("fails when the index was changed behind the log's back", async () => {
    const log = await test.open();
    await log.append(bodyOf(0));
    const report = await log.verify();
    expect(report.ok).toBe(true);
    const [row] = await test.database.records.find({});
    await test.database.records.removeFrom(0);
    await test.database.records.insertAll([{ ...row!, body: row!.body.replace("allow", "deny_") }]);
    expect((await log.verify()).checks.find(({ name }) => name === "index")).toMatchObject({ ok: false });
  });

  it("fails when the published checkpoint was changed, though the next one would cover it up", async () => {
    const log = await test.open();
    await log.append(bodyOf(0));
    await log.checkpoint();
    await writeFile(join(test.directory, "checkpoint"), "nothing");
    await log.append(bodyOf(1));
    const report = await log.verify();
    expect(report.checks.find(({ name }) => name === "checkpoint")).toMatchObject({ ok: false });
  });
});

describe("a full disk", () => {
  it("refuses appends, publishes nothing half, and goes on when there is space", async () => {
    const log = await test.open();
    await log.append(bodyOf(0));
    test.disk.freeBytes = 100;
    await expect(log.append(bodyOf(1))).rejects.toMatchObject({ code: "audit.full" });
    await expect(log.append(bodyOf(2))).rejects.toMatchObject({ code: "audit.full" });
    test.disk.freeBytes = 0;
    await expect(log.checkpoint()).rejects.toMatchObject({ code: "audit.full" });
    test.disk.freeBytes = Number.POSITIVE_INFINITY;
    expect((await log.append(bodyOf(3))).sequence).toBe(1);
    expect((await log.verify()).ok).toBe(true);
    await test.abandon();
    const again = await test.open();
    expect(again.size()).toBe(2);
    expect((await again.verify()).ok).toBe(true);
  });
});
