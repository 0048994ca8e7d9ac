// Updates from mirrors: over HTTP and from files, only what changed, and what happens when they fail.
import { createServer, type Server } from "node:http";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FeedFormat } from "@pratique/contracts";
import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { component, openWorkbench, record, type Workbench } from "../database/workbench.fixture.ts";
import { Downloader } from "./http-download.ts";
import { updateSource } from "./update-source.ts";
import { zipOf } from "./zip.fixture.ts";

let bench: Workbench;
let server: Server;
let url: string;
let downloader: Downloader;
/** What the mirror has, by path. */
let files: Map<string, string | Buffer>;
let asked: string[];

beforeEach(async () => {
  bench = await openWorkbench();
  downloader = new Downloader();
  files = new Map();
  asked = [];
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    asked.push(path);
    if (path === "/away") return response.writeHead(302, { location: "ftp://elsewhere/x" }).end();
    if (path === "/round") return response.writeHead(302, { location: "/round" }).end();
    if (path === "/broken")
      return void response.writeHead(200, { "content-length": "100" }).write("x", () => response.destroy());
    const content = files.get(path);
    if (content === undefined) return response.writeHead(404).end();
    const etag = `"${Buffer.from(content).toString("base64url").slice(-20)}"`;
    if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
    return response.writeHead(200, { etag }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(async () => {
  downloader.close();
  await new Promise((resolve) => server.close(resolve));
  await bench.close();
});

const update = (format: FeedFormat, place: string) =>
  updateSource(
    bench.database,
    { name: "feed", format, url: place },
    { clock: bench.clock, downloader, directory: bench.directory },
  );

const RECORD = record("PYSEC-1", "PyPI", "a", "2");

describe("a mirror of the OSV form", () => {
  beforeEach(() => {
    files.set("/PyPI/all.zip", zipOf([["PYSEC-1.json", JSON.stringify(RECORD)]]));
    files.set("/PyPI/modified_id.csv", "2026-05-01T00:00:00Z,PYSEC-1\n");
  });

  it("is taken whole once, and then only in what changed", async () => {
    expect(await update("osv", `${url}/PyPI/`)).toMatchObject({ outcome: "imported", read: 1 });
    const changed = record("PYSEC-2", "PyPI", "b", "3", { modified: "2026-05-20T00:00:00.123456Z" });
    files.set("/PyPI/PYSEC-2.json", JSON.stringify(changed));
    files.set("/PyPI/PYSEC-1.json", JSON.stringify(RECORD));
    files.set(
      "/PyPI/modified_id.csv",
      "2026-05-20T00:00:00.123456Z,PYSEC-2\n2026-05-01T00:00:00Z,PYSEC-1\n2020-01-01T00:00:00Z,PYSEC-0\n",
    );
    asked = [];
    expect(await update("osv", `${url}/PyPI/`)).toMatchObject({ outcome: "imported", read: 2, changed: 1, skipped: 0 });
    expect(asked.toSorted()).toEqual(["/PyPI/PYSEC-1.json", "/PyPI/PYSEC-2.json", "/PyPI/modified_id.csv"]);
    expect(bench.database.match([component("pypi", "b", "1")])).toHaveLength(1);
    expect(bench.database.source("feed")).toMatchObject({
      ecosystems: ["PyPI"],
      entries: 2,
      dataTime: "2026-05-20T00:00:00.123Z",
    });
    expect((await readdir(bench.directory)).filter((name) => name.startsWith("advisories-"))).toEqual([]);
  });

  it("changes nothing when it breaks off between two records", async () => {
    await update("osv", `${url}/PyPI/`);
    const { version } = bench.database;
    files.set("/PyPI/modified_id.csv", "2026-05-20T00:00:00Z,broken\n2026-05-19T00:00:00Z,../../etc\n");
    expect(await update("osv", `${url}/PyPI/`)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("names no file"),
    });
    expect(bench.database.version).toBe(version);
  });

  it("is read from a directory too, and is as old as its list", async () => {
    await bench.file("mirror/all.zip", zipOf([["PYSEC-1.json", JSON.stringify(RECORD)]]));
    const list = await bench.file("mirror/modified_id.csv", "2026-05-01T00:00:00Z,PYSEC-1\n");
    const day = new Date("2026-05-02T00:00:00Z");
    await utimes(join(bench.directory, "mirror/all.zip"), day, day);
    await utimes(list, day, day);
    await update("osv", join(bench.directory, "mirror"));
    expect(bench.database.status().sources).toMatchObject([{ freshness: "stale", checkedAt: day.toISOString() }]);
    await bench.file("mirror/PYSEC-1.json", RECORD);
    await writeFile(list, "2026-05-01T00:00:00Z,PYSEC-1\n");
    await update("osv", `file://${bench.directory}/mirror/`);
    expect(bench.database.status().sources).toMatchObject([{ freshness: "current" }]);
  });
});

describe("a document", () => {
  it("is not taken again while it is the same", async () => {
    files.set("/kev.json", JSON.stringify({ catalogVersion: "1", vulnerabilities: [{ cveID: "CVE-2024-1111" }] }));
    expect(await update("kev", `${url}/kev.json`)).toMatchObject({ outcome: "imported" });
    bench.clock.advance(3_600_000);
    expect(await update("kev", `${url}/kev.json`)).toMatchObject({ outcome: "unchanged" });
    expect(bench.database.source("feed")?.checkedAt).toBe("2026-06-01T01:00:00.000Z");
  });

  it("of a release's two repositories becomes one source", async () => {
    const secdb = (reponame: string) =>
      JSON.stringify({
        distroversion: "v3.20",
        reponame,
        packages: [{ pkg: { name: reponame, secfixes: { "2-r0": ["CVE-2024-1111"] } } }],
      });
    files.set("/v3.20/main.json", secdb("main"));
    files.set("/v3.20/community.json", secdb("community"));
    expect(await update("alpine-secdb", `${url}/v3.20/`)).toMatchObject({ outcome: "imported", read: 1 });
    const of = (name: string) => component("apk", name, "1-r0", { distribution: { id: "alpine", version: "3.20" } });
    expect(bench.database.match([of("main"), of("community")])).toHaveLength(2);
  });
});

describe("a source that fails", () => {
  it("is unavailable only once what is there is missing or old, and says why", async () => {
    expect(await update("kev", `${url}/none.json`)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("is not there"),
    });
    expect(bench.database.status()).toMatchObject({ freshness: "unavailable", sources: [{ entries: 0 }] });
    files.set("/kev.json", JSON.stringify({ catalogVersion: "1", vulnerabilities: [{ cveID: "CVE-2024-1111" }] }));
    await update("kev", `${url}/kev.json`);
    files.clear();
    await update("kev", `${url}/kev.json`);
    expect(bench.database.status().sources).toMatchObject([
      { freshness: "current", entries: 1, failure: { at: "2026-06-01T00:00:00.000Z" } },
    ]);
    bench.clock.advance(8 * 86_400_000);
    expect(bench.database.status().sources).toMatchObject([{ freshness: "unavailable", entries: 1 }]);
    files.set("/kev.json", JSON.stringify({ catalogVersion: "1", vulnerabilities: [{ cveID: "CVE-2024-1111" }] }));
    await update("kev", `${url}/kev.json`);
    expect(bench.database.status().sources[0]?.failure).toBeUndefined();
  });

  it.each(["/away", "/round", "/broken"])("because of %s is told", async (path) => {
    expect(await update("kev", `${url}${path}`)).toMatchObject({ outcome: "failed" });
    expect(bench.database.version).toBe("none");
  });

  it("does not show the password of its address", async () => {
    const answer = await update("kev", "http://me:secret@127.0.0.1:1/kev.json");
    expect(answer.reason).toContain("ECONNREFUSED");
    expect(answer.reason).not.toContain("secret");
  });
});
