// Imports of every format, sound, unsound and hostile.
import { symlink } from "node:fs/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { component, debian, openWorkbench, record, type Workbench } from "../database/workbench.fixture.ts";
import { zipOf } from "./zip.fixture.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const ids = (...components: Parameters<Workbench["database"]["match"]>[0]) =>
  bench.database.match(components).map(({ id }) => id);

describe("an import", () => {
  it("reads a zip of records, and knows it again", async () => {
    const records = [record("PYSEC-1", "PyPI", "a", "2"), record("PYSEC-2", "PyPI", "b", "2")];
    const path = await bench.file("all.zip", zipOf(records.map((one, at) => [`${at}.json`, JSON.stringify(one)])));
    expect(await bench.import(path)).toMatchObject({ source: "osv", outcome: "imported", read: 2, changed: 2 });
    const version = bench.database.version;
    expect(await bench.import(path)).toMatchObject({ read: 2, changed: 0 });
    expect(bench.database.version).toBe(version);
    expect(ids(component("pypi", "b", "1"))).toEqual(["PYSEC-2"]);
  });

  it("adds to a source, or makes it exactly what is there", async () => {
    await bench.records([record("A-1", "npm", "a", "2.0.0"), record("A-2", "npm", "b", "2.0.0")]);
    await bench.records([record("A-3", "npm", "c", "2.0.0")]);
    expect(ids(component("npm", "a", "1.0.0"), component("npm", "c", "1.0.0"))).toEqual(["A-1", "A-3"]);
    expect(await bench.records([record("A-2", "npm", "b", "2.0.0")], { replace: true })).toMatchObject({
      changed: 0,
      removed: 2,
    });
    expect(ids(component("npm", "a", "1.0.0"), component("npm", "b", "1.0.0"), component("npm", "c", "1.0.0"))).toEqual(
      ["A-2"],
    );
  });

  it("takes the newer of two versions of a record, in whatever order they come", async () => {
    const old = record("A-1", "npm", "a", "2.0.0", { modified: "2026-01-01T00:00:00Z" });
    const recent = record("A-1", "npm", "a", "3.0.0", { modified: "2026-01-01T00:00:00.5Z" });
    for (const order of [
      [old, recent],
      [recent, old],
    ]) {
      for (const one of order) await bench.records([one]);
      expect(bench.database.match([component("npm", "a", "1.0.0")])[0]?.fixedIn).toEqual(["3.0.0"]);
    }
  });

  it("refuses a dump that goes back in time, unless it is told to take it", async () => {
    await bench.records([
      record("A-1", "npm", "a", "2.0.0"),
      record("A-2", "npm", "a", "2.0.0", { modified: "2026-05-30T00:00:00Z" }),
    ]);
    const older = [record("A-1", "npm", "a", "2.0.0")];
    await expect(bench.records(older, { replace: true })).rejects.toMatchObject({ code: "vulnerabilities.older-data" });
    expect(ids(component("npm", "a", "1.0.0"))).toEqual(["A-1", "A-2"]);
    await bench.records(older, { replace: true, older: true });
    expect(ids(component("npm", "a", "1.0.0"))).toEqual(["A-1"]);
  });

  it("keeps all of several files with one id", async () => {
    await bench.records([record("CVE-2024-1111", "npm", "a", "2.0.0"), record("CVE-2024-1111", "npm", "b", "2.0.0")]);
    expect(ids(component("npm", "a", "1.0.0"), component("npm", "b", "1.0.0"))).toEqual([
      "CVE-2024-1111",
      "CVE-2024-1111",
    ]);
  });

  it("reads Debian's tracker, compressed or not", async () => {
    const tracker = {
      openssl: {
        "CVE-2024-1111": {
          description: "It is broken.",
          releases: {
            bookworm: { status: "resolved", fixed_version: "3.0.15-1~deb12u1", urgency: "high" },
            trixie: { status: "resolved", fixed_version: "0", urgency: "unimportant" },
            bullseye: { status: "open", urgency: "unimportant" },
          },
        },
        "CVE-2024-2222": { releases: { bookworm: { status: "undetermined", urgency: "not yet assigned" } } },
      },
    };
    for (const bytes of [gzipSync(JSON.stringify(tracker)), zstdCompressSync(JSON.stringify(tracker))]) {
      const found = await bench.import(await bench.file("debian.json.x", bytes));
      expect(found).toMatchObject({ source: "debian", format: "debian-tracker", read: 2 });
    }
    const of = (version: string) =>
      debian("libssl3", "3.0.11-1", "openssl", { distribution: { id: "debian", version } });
    expect(bench.database.match([of("12")])).toMatchObject([
      { id: "CVE-2024-1111", severity: "high", fixedIn: ["3.0.15-1~deb12u1"], state: "affected", source: "debian" },
      { id: "CVE-2024-2222", severity: "unknown", fixedIn: [], state: "under_investigation" },
    ]);
    expect(bench.database.match([of("13")])).toEqual([]);
    expect(bench.database.match([of("11")])).toMatchObject([{ id: "CVE-2024-1111", severity: "none", fixedIn: [] }]);
  });

  it("reads Alpine's secdb: the later of two fixes, and never version 0", async () => {
    const secdb = {
      distroversion: "v3.20",
      reponame: "main",
      urlprefix: "https://dl-cdn.alpinelinux.org/alpine",
      packages: [
        {
          pkg: {
            name: "curl",
            secfixes: {
              "8.9.0-r0": ["CVE-2024-1111 GHSA-xxxx"],
              "8.10.0-r1": ["CVE-2024-1111"],
              "0": ["CVE-2024-2222"],
            },
          },
        },
        { pkg: { name: "none", secfixes: null } },
      ],
    };
    expect(await bench.import(await bench.file("main.json", secdb))).toMatchObject({
      source: "alpine-v3.20-main",
      read: 1,
    });
    const curl = (version: string) =>
      component("apk", "libcurl", version, {
        source: { name: "curl", version },
        distribution: { id: "alpine", version: "3.20.3" },
      });
    expect(bench.database.match([curl("8.9.0-r0")])).toMatchObject([
      { id: "CVE-2024-1111", aliases: ["GHSA-xxxx"], fixedIn: ["8.10.0-r1"] },
    ]);
    expect(bench.database.match([curl("8.10.0-r1")])).toEqual([]);
  });

  it("names what it could not read, and takes the rest", async () => {
    const answer = await bench.records([
      record("A-1", "npm", "a", "2.0.0"),
      { id: "A-2" },
      record("../../x", "npm", "a", "2.0.0"),
      record("A-4", "npm", "a", "2.0.0", { aliases: ["bad alias\n", "CVE-2024-1111"] }),
      record("A-5", "npm", "a", "2.0.0", { modified: "yesterday" }),
    ]);
    expect(answer).toMatchObject({ read: 2, skipped: 3 });
    expect(answer.problems[0]).toBe("1.json: modified: Invalid input: expected string, received undefined");
    expect(ids(component("npm", "a", "1.0.0"))).toEqual(["A-1", "CVE-2024-1111"]);
  });
});

describe("a hostile or broken import", () => {
  const refused = async (path: string, options: Parameters<Workbench["import"]>[1] = {}) => {
    await bench.records([record("A-1", "npm", "a", "2.0.0")]);
    const before = bench.database.version;
    const failure = await bench.import(path, options).then(
      () => "imported",
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
    );
    expect(bench.database.version).toBe(before);
    expect(ids(component("npm", "a", "1.0.0"))).toEqual(["A-1"]);
    return failure;
  };

  it("changes nothing when the zip is damaged", async () => {
    const zip = zipOf([
      ["a.json", JSON.stringify(record("A-2", "npm", "a", "2.0.0"))],
      ["b.json", "{}".repeat(100)],
    ]);
    const damaged = Buffer.from(zip);
    damaged.writeUInt8(damaged.readUInt8(60) ^ 0xff, 60);
    expect(await refused(await bench.file("damaged.zip", damaged), { format: "osv" })).toBe("vulnerabilities.bad-data");
    expect(await refused(await bench.file("cut.zip", zip.subarray(0, 80)), { format: "osv" })).toBe(
      "vulnerabilities.bad-data",
    );
  });

  it("is refused past each bound", async () => {
    const limits = { recordBytes: 1000, documentBytes: 5000, totalBytes: 2000, documents: 2, downloadBytes: 1 };
    const small = JSON.stringify(record("A-2", "npm", "a", "2.0.0"));
    const padded = (bytes: number) => small.padEnd(bytes);
    const zip = (entries: [string, string][]) => bench.file("x.zip", zipOf(entries));
    const format = "osv";
    expect(await refused(await zip([["a.json", padded(1001)]]), { limits, format })).toBe("vulnerabilities.too-large");
    expect(
      await refused(
        await zip([
          ["a.json", small],
          ["b.json", small],
          ["c.json", small],
        ]),
        { limits, format },
      ),
    ).toBe("vulnerabilities.too-large");
    expect(
      await refused(
        await zip([
          ["a.json", padded(999)],
          ["b.json", padded(999)],
          ["c.json", padded(999)],
        ]),
        { limits: { ...limits, documents: 9 }, format },
      ),
    ).toBe("vulnerabilities.too-large");
    expect(
      await refused(await bench.file("bomb.json.gz", gzipSync("0".repeat(1_000_000))), {
        limits,
        format: "debian-tracker",
      }),
    ).toBe("input.too-large");
  });

  it("is refused when it is a link, nothing, or of no known form", async () => {
    const target = await bench.file("real.json", record("A-2", "npm", "a", "2.0.0"));
    await symlink(target, `${bench.directory}/link.json`);
    expect(await refused(`${bench.directory}/link.json`)).toBe("vulnerabilities.bad-data");
    expect(await refused(`${bench.directory}/missing`)).toBe("vulnerabilities.bad-data");
    expect(await refused(await bench.file("text", "hello"))).toBe("vulnerabilities.unknown-format");
    expect(await refused(await bench.file("broken.json", "{"), { format: "kev" })).toBe("vulnerabilities.bad-data");
    expect(await refused(await bench.file("kev.json", { vulnerabilities: [] }), { format: "kev" })).toBe(
      "vulnerabilities.empty",
    );
    expect(await refused(await bench.file("epss.csv", "cve,epss,percentile\nCVE-2024-1111,7,1\n"))).toBe(
      "vulnerabilities.bad-data",
    );
  });

  it("is refused when it is nested without end", async () => {
    const deep = `{"id":"A-2","modified":"2026-01-01T00:00:00Z","details":${"[".repeat(200_000)}`;
    expect(await refused(await bench.file("deep.json", deep), { format: "osv" })).toBe("vulnerabilities.bad-data");
  });

  it("does not reach into objects by names like __proto__", async () => {
    const text = `{"__proto__":{"CVE-2024-1":{"releases":{"__proto__":{"status":"open"},"constructor":{"status":"open"}}}}}`;
    const answer = await bench
      .import(await bench.file("debian.json", text), { format: "debian-tracker" })
      .catch((error: unknown) => error);
    expect(answer).toBeDefined();
    expect(Object.hasOwn(Object.prototype, "CVE-2024-1")).toBe(false);
  });

  it("never fails in another way than by a code, whatever a record holds", async () => {
    const json = fc.json({ maxDepth: 4 });
    await fc.assert(
      fc.asyncProperty(
        json,
        fc.constantFrom("osv", "csaf", "debian-tracker", "alpine-secdb", "kev", "epss"),
        async (text, format) => {
          const path = await bench.file("any.json", text);
          const outcome = await bench.import(path, { format: format as never, source: "any" }).then(
            ({ outcome: done }) => done,
            (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
          );
          expect(outcome).toMatch(/^imported$|^vulnerabilities\./);
        },
      ),
      { numRuns: 60 },
    );
  });
});
