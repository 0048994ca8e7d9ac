// rpm's databases, written by rpm itself (4.18 and 6.1) and, for Berkeley DB, by its own loader; see ADR 0033.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { rpmBerkeley, rpmManifest, rpmNdb, rpmSqlite } from "../detect/rpm.ts";
import { Unreadable, type Detector } from "../facts.ts";
import { sqliteRows } from "./sqlite-rows.ts";

const fixture = async (name: string): Promise<Buffer> =>
  gunzipSync(await readFile(new URL(`fixtures/${name}.gz`, import.meta.url)));

const FORMS: readonly (readonly [string, string, Detector])[] = [
  ["sqlite", "rpmdb.sqlite", rpmSqlite],
  ["ndb", "Packages.db", rpmNdb],
  ["Berkeley DB", "Packages", rpmBerkeley],
];

describe.each(FORMS)("a database in %s", (_, name, detector) => {
  it("lists its packages", async () => {
    const { facts, unread } = detector.read({ path: name, bytes: await fixture(name) });
    const found = facts.flatMap((fact) => (fact.fact === "package" ? [fact.package] : []));
    expect(found.toSorted((a, b) => a.name.length - b.name.length)).toMatchObject([
      {
        type: "rpm",
        name: "harbour",
        version: "2:1.4.0-3.fc39",
        qualifiers: { arch: "noarch" },
        source: { name: "harbour", version: "1.4.0-3.fc39" },
        licences: ["Apache-2.0 AND MIT"],
        supplier: "Example",
        provides: ["harbour", "port"],
      },
      { name: "harbour-pilot", needs: expect.arrayContaining(["port"]) },
    ]);
    expect(facts.find(({ fact }) => fact === "owned")).toEqual({
      fact: "owned",
      paths: ["usr/lib/node_modules/harbour/package.json"],
    });
    expect(unread).toEqual([]);
  });

  it("says what is damaged, and ends", async () => {
    const sound = await fixture(name);
    const change = fc.record({ at: fc.nat(sound.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 30 }), fc.nat(sound.length), (changes, cut) => {
        const bytes = Buffer.from(cut % 3 === 0 ? sound.subarray(0, cut) : sound);
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        const { facts, unread } = detector.read({ path: name, bytes });
        expect(facts.length).toBeLessThan(20);
        expect(unread?.length).toBeLessThan(20);
      }),
      { numRuns: 100 },
    );
  });
});

describe("an SQLite file", () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "pratique-sqlite-"));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it("has the rows that SQLite put in, over as many pages as it takes", async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(512, 4096, 65_536),
        fc.array(fc.nat(70_000), { maxLength: 60 }),
        async (pageSize, sizes) => {
          const path = join(home, `${(count += 1)}.sqlite`);
          const database = new DatabaseSync(path);
          database.exec(
            `PRAGMA page_size=${pageSize}; CREATE TABLE other (x); CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)`,
          );
          const insert = database.prepare("INSERT INTO Packages (blob) VALUES (?)");
          const blobs = sizes.map((size, at) => Buffer.alloc(size, at + 1));
          for (const blob of blobs) insert.run(blob);
          database.close();
          const rows = [...sqliteRows(await readFile(path), "Packages")];
          expect(rows.map(([, blob]) => (Buffer.isBuffer(blob) ? blob.length : -1))).toEqual(sizes);
          expect(rows.every(([, blob], at) => Buffer.isBuffer(blob) && blob.equals(blobs[at] ?? Buffer.alloc(0)))).toBe(
            true,
          );
        },
      ),
      { numRuns: 15 },
    );
  });

  it("that turns in circles is refused", async () => {
    const bytes = await fixture("rpmdb.sqlite");
    // Every page says that it is an interior one whose only child is the first page.
    for (let at = 4096; at < bytes.length; at += 4096) {
      bytes[at] = 0x05;
      bytes.writeUInt16BE(0, at + 3);
      bytes.writeUInt32BE(2, at + 8);
    }
    expect(() => [...sqliteRows(bytes, "Packages")]).toThrow(Unreadable);
  });
});

it("a manifest without a database lists packages", () => {
  const line = "bash\t5.1.8-1.cm2\t1\t1\tMicrosoft Corporation\t(none)\t1000\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm";
  const { facts } = rpmManifest.read({ path: "m", bytes: Buffer.from(`${line}\n`) });
  expect(facts[0]).toMatchObject({
    package: { name: "bash", version: "5.1.8-1.cm2", source: { name: "bash", version: "5.1.8-1.cm2" } },
  });
});
