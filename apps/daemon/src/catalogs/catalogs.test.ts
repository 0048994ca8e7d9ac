// Which catalogs count: cleared ones, in their order, and nothing behind one that does not.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Catalog, type Evidence } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { fileTarget, openContentStore, DigestCache, type ContentStore } from "@pratique/oci";
import { packCatalog } from "@pratique/packaging";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { findArtifact } from "../artifacts/find-artifact.ts";
import { Catalogs } from "./catalogs.ts";

const HOST = "localhost:7340";
const DIGEST = `sha256:${"a".repeat(64)}`;

let directory: string;
let store: ContentStore;
let cleared: Set<string>;
let evidence: Partial<Evidence>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-catalogs-"));
  store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  cleared = new Set();
  evidence = { signers: [] };
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function publish(name: string, ...entries: object[]): Promise<string> {
  const repository = fileTarget(
    store.repository(`catalogs/${name}`),
    new DigestCache(join(directory, "digests"), systemClock),
    () => undefined,
  );
  const catalog = Catalog.parse({ name, version: "1", entries });
  const options = { repository, tag: "latest", cacheDirectory: directory, clock: systemClock, log: silentLog };
  const { descriptor } = await packCatalog(catalog, options);
  cleared.add(descriptor.digest);
  return descriptor.digest;
}

function catalogs(catalog: string[], catalogOnly = false): Catalogs {
  const artifacts = {
    find: (reference: string) =>
      reference.startsWith("team/") ? Promise.resolve({ reference }) : findArtifact(store, HOST, reference),
    clearedNow: async (found: { descriptor: { digest: string } }) => ({
      cleared: cleared.has(found.descriptor.digest),
      isCurrent: () => true,
    }),
    evidence: async () => evidence,
  } as unknown as Artifacts;
  return new Catalogs({ config: { catalog, catalogOnly }, artifacts, log: silentLog });
}

const remote = (name: string, url: string): object => ({ name, network: { hosts: [] }, remote: { url } });
const image = (name: string, more: object = {}): object => ({
  name,
  network: { hosts: [] },
  image: { reference: "team/x:1", digest: DIGEST },
  ...more,
});

describe("an entry", () => {
  it("is the first catalog's that has it", async () => {
    const digest = await publish("one", remote("a", "https://one.example"));
    await publish("two", remote("a", "https://two.example"), remote("b", "https://b.example"));
    const both = catalogs(["catalogs/one:latest", "catalogs/two:latest"]);
    expect(await both.entry("a")).toMatchObject({
      entry: { remote: { url: "https://one.example" } },
      catalog: `${HOST}/catalogs/one:latest@${digest}`,
    });
    expect(await both.entry("b")).toMatchObject({ entry: { remote: { url: "https://b.example" } } });
    await expect(both.entry("c")).rejects.toMatchObject({ code: "catalog.unknown-entry" });
  });

  it("is nobody's behind a catalog that does not count now", async () => {
    const digest = await publish("one");
    await publish("two", remote("a", "https://two.example"));
    cleared.delete(digest);
    await expect(catalogs(["catalogs/one:latest", "catalogs/two:latest"]).entry("a")).rejects.toMatchObject({
      code: "catalog.not-in-force",
    });
    await expect(catalogs(["catalogs/gone:latest", "catalogs/two:latest"]).entry("a")).rejects.toMatchObject({
      code: "catalog.not-in-force",
    });
  });

  it("follows a tag that moves, and is gone when it is deleted", async () => {
    await publish("one", remote("a", "https://old.example"));
    const following = catalogs(["catalogs/one:latest"]);
    expect(await following.entry("a")).toMatchObject({ entry: { remote: { url: "https://old.example" } } });
    await publish("one", remote("a", "https://new.example"));
    expect(await following.entry("a")).toMatchObject({ entry: { remote: { url: "https://new.example" } } });
    await publish("one", { ...remote("a", "https://new.example"), status: "deleted" });
    await expect(following.entry("a")).rejects.toMatchObject({ code: "catalog.unknown-entry" });
  });

  it("is given only with the evidence that it asks for", async () => {
    await publish("one", image("a", { evidence: { signers: ["ci"], provenance: true, sbom: true } }));
    const one = catalogs(["catalogs/one:latest"]);
    await expect(one.entry("a")).rejects.toMatchObject({ code: "catalog.evidence-missing" });
    const signer = { id: "k", name: "ci" };
    evidence = { signers: [signer], sbom: { format: "x", components: 1, signer } };
    await expect(one.entry("a")).rejects.toMatchObject({
      code: "catalog.evidence-missing",
      message: expect.stringContaining("provenance"),
    });
    evidence = { ...evidence, provenance: { builder: "b", buildType: "t", slsaLevel: 1, signer } };
    expect(await one.entry("a")).toMatchObject({ entry: { name: "a" } });
  });
});

describe("where only catalogs count", () => {
  it("nothing is placed that none of them lists", async () => {
    const digest = await publish("one", image("a"), remote("b", "https://b.example/mcp"), {
      ...image("c"),
      image: { reference: "team/y", digest: `sha256:${"c".repeat(64)}` },
      status: "deleted",
    });
    const only = catalogs(["catalogs/one:latest"], true);
    await only.requireListed({ digest: DIGEST });
    await only.requireListed({ url: "https://b.example/mcp" });
    const refused = { code: "catalog.not-listed" };
    await expect(only.requireListed({ digest: `sha256:${"b".repeat(64)}` })).rejects.toMatchObject(refused);
    await expect(only.requireListed({ digest: `sha256:${"c".repeat(64)}` })).rejects.toMatchObject(refused);
    await expect(only.requireListed({ url: "https://b.example/mcp/" })).rejects.toMatchObject(refused);
    cleared.delete(digest);
    await expect(only.requireListed({ digest: DIGEST })).rejects.toMatchObject(refused);
    await expect(catalogs([], true).requireListed({ digest: DIGEST })).rejects.toMatchObject(refused);
    await catalogs([], false).requireListed({ digest: DIGEST });
  });
});
