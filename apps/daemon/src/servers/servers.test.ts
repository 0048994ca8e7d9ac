// How long a server stays behind the gateway. Nothing is started here: a server starts when it is first asked.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditRecord, Principal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGateway, type Gateway } from "@pratique/gateway";
import { createGuard } from "@pratique/guard";
import { MEDIA_TYPES, openContentStore, type ContentStore } from "@pratique/oci";
import type { ContainerDriver } from "@pratique/sandbox";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { findArtifact, type Found } from "../artifacts/find-artifact.ts";
import { installationDirectory } from "../installation.ts";
import { readPolicySet } from "../policy-files.ts";
import type { ServerLauncher } from "./server-launcher.ts";
import { Servers } from "./servers.ts";

const owner: Principal = { type: "User", id: "user-1", name: "olga", groups: ["owner"] };

let directory: string;
let store: ContentStore;
let gateway: Gateway;
let servers: Servers;
let driver: ContainerDriver | undefined;
let found: Found;
/** Another server that wants the same name. */
let other: Found;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-servers-"));
  store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  const append = async (body: Omit<AuditRecord, "version" | "id" | "sequence" | "time">): Promise<AuditRecord> => ({
    ...body,
    version: 1,
    id: "r",
    sequence: 0,
    time: "2026-01-01T00:00:00Z",
  });
  const policies = await readPolicySet(join(installationDirectory(), "policies"));
  const guard = createGuard({ policy: () => policies, audit: { append }, clock: systemClock, log: silentLog });
  gateway = createGateway({ guard, clock: systemClock, log: silentLog, info: { name: "test", version: "0" } });
  driver = undefined;
  // Its evidence is of no matter here: it is proven and cleared.
  const attributes = {
    kind: "mcp-server",
    repository: "team/harbour",
    registry: "localhost:7340",
    digest: "",
    imageType: "organization",
    signed: true,
    signers: ["owner"],
    signedByOwner: true,
    identities: [],
    provenance: true,
    slsaLevel: 1,
    requirementsMet: true,
    sbom: true,
    aibom: false,
    licences: [],
    vulnerabilitiesChecked: false,
    vulnerabilityStatus: "not-checked",
    vulnerabilityDataAgeDays: 36_500,
    critical: 0,
    high: 0,
    medium: 0,
    low: 0,
    unknown: 0,
    criticalWithFix: 0,
    knownExploited: 0,
    malicious: 0,
    waived: [],
    cleared: true,
    ageDays: 0,
  };
  const artifacts = {
    resource: async () => ({ type: "Artifact", id: "team/harbour", attributes }),
    clearedNow: async () => ({ cleared: true, isCurrent: () => true }),
    requireRunnable: async () => undefined,
  } as unknown as Artifacts;
  servers = new Servers({
    artifacts,
    gateway,
    guard,
    containers: async () => driver,
    launcher: {} as ServerLauncher,
    nodeExecutable: process.execPath,
    cacheDirectory: directory,
    log: silentLog,
  });
  const repository = store.repository("team/harbour");
  const serverJson = JSON.stringify({ name: "team/harbour", description: "test", version: "1.0.0" });
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Entrypoint: ["node", "/app/server.js"], Labels: { "dev.pratique.server.json": serverJson } },
    rootfs: { type: "layers", diff_ids: [] },
  };
  const blob = await repository.putBlob(Buffer.from(JSON.stringify(config)));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...blob },
    layers: [],
    annotations: { "dev.pratique.kind": "mcp-server" },
  };
  await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "1.0.0");
  found = await findArtifact(store, "localhost:7340", "team/harbour:1.0.0");
  const next = { ...manifest, annotations: { ...manifest.annotations, next: "yes" } };
  await repository.putManifest(Buffer.from(JSON.stringify(next)), MEDIA_TYPES.imageManifest, "2.0.0");
  other = await findArtifact(store, "localhost:7340", "team/harbour:2.0.0");
});

afterEach(async () => {
  await gateway.close();
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const names = () => gateway.servers().map(({ name }) => name);
const place = (run: string, allowUnisolated: boolean) =>
  servers.place(owner, found, { name: "team-harbour", allowUnisolated, run });

it("an unisolated server that somebody accepted for one run goes with the last such run", async () => {
  await place("1", true);
  await place("2", true);
  await expect(place("3", false)).rejects.toMatchObject({ code: "policy.denied" });
  await servers.endRun("1");
  expect(names()).toEqual(["team-harbour"]);
  await servers.endRun("3");
  await servers.endRun("2");
  expect(names()).toEqual([]);
  await expect(place("4", false)).rejects.toMatchObject({ code: "policy.denied" });
});

it("an isolated one stays for the next run", async () => {
  driver = { id: "container" } as unknown as ContainerDriver;
  await place("1", false);
  await servers.endRun("1");
  expect(names()).toEqual(["team-harbour"]);
});

it("never takes a server from under a run that uses it: the second one of a name gets its digest", async () => {
  driver = { id: "container" } as unknown as ContainerDriver;
  const first = await place("1", false);
  const second = await servers.place(owner, other, { name: "team-harbour", allowUnisolated: false, run: "2" });
  expect(first.name).toBe("team-harbour");
  expect(second.name).toBe(`team-harbour-${other.descriptor.digest.slice(7, 19)}`);
  expect(gateway.servers().map(({ name, digest }) => [name, digest])).toEqual([
    [first.name, found.descriptor.digest],
    [second.name, other.descriptor.digest],
  ]);
  await servers.endRun("1");
  await servers.endRun("2");
  const third = await servers.place(owner, other, { name: "team-harbour", allowUnisolated: false, run: "3" });
  expect(third.name).toBe("team-harbour");
});

it("never takes the place of a configured server", async () => {
  driver = { id: "container" } as unknown as ContainerDriver;
  await servers.place(owner, found, { name: "team-harbour", allowUnisolated: false });
  const run = await servers.place(owner, other, { name: "team-harbour", allowUnisolated: false, run: "1" });
  expect(run.name).not.toBe("team-harbour");
  servers.reserve("notes");
  expect((await servers.place(owner, other, { name: "notes", allowUnisolated: false, run: "2" })).name).not.toBe(
    "notes",
  );
});
