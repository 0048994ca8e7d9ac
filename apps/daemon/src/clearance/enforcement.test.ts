// Every enforcement point refuses what is not cleared, and what lost its clearance, and takes it again when it has it back.
import { createServer, type Server } from "node:http";
import { PassThrough } from "node:stream";
import { silentLog } from "@pratique/core";
import type { Principal } from "@pratique/contracts";
import type { Gateway, StdioPeer } from "@pratique/gateway";
import { modelResource } from "@pratique/inference";
import { createRegistry } from "@pratique/registry";
import type { ContainerDriver } from "@pratique/sandbox";
import { SecretUse } from "@pratique/secrets";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { ownImage } from "../admission/own-image.ts";
import { admitModel } from "../runs/models.ts";
import { ServerLauncher } from "../servers/server-launcher.ts";
import { ServerLogs } from "../servers/server-logs.ts";
import { Servers } from "../servers/servers.ts";
import { CRITICAL, HOST, openScene, OWNER, type Scene } from "./clearing.fixture.ts";

const AGENT: Principal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/1/agent/root",
  groups: [],
  actingFor: OWNER,
  run: "1",
};
/** As a pack says it: agents pull only what is cleared. */
const PULL_CLEARED =
  '@id("pull.cleared") @reason("r") @remedy("m") forbid (principal is Pratique::Workload, action == Pratique::Action::"artifact:pull", resource is Pratique::Artifact) unless { resource.cleared };';
const STRICT =
  '@id("level.two") @reason("r") @remedy("m") forbid (principal, action == Pratique::Action::"artifact:clear", resource) when { resource.slsaLevel < 2 };';

let scene: Scene;
let found: Found;
let artifacts: Artifacts;
let server: Server;
let port = 0;
let images = 0;
let start: ((scope: string) => Promise<StdioPeer>) | undefined;
let servers: Servers;

beforeEach(async () => {
  scene = await openScene();
  scene.setPolicy(PULL_CLEARED);
  const { store, guard, clock, key, directory } = scene;
  const serverJson = JSON.stringify({ name: "team/harbour", description: "test", version: "1.0.0" });
  const image = {
    architecture: "amd64",
    os: "linux",
    config: { Entrypoint: ["node", "/app/server.js"], Labels: { "dev.pratique.server.json": serverJson } },
    rootfs: { type: "layers", diff_ids: [] },
  };
  const config = await store.repository("team/harbour").putBlob(Buffer.from(JSON.stringify(image)));
  found = await scene.prove("team/harbour", {
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    annotations: { "dev.pratique.kind": "mcp-server" },
  });
  artifacts = new Artifacts({
    store,
    guard,
    key,
    trust: scene.trust,
    clearances: scene.clearing.clearances,
    registry: HOST,
    builder: "https://pratique.dev/daemon",
    clock,
    log: silentLog,
    ids: () => "id",
    packing: { cacheDirectory: directory },
  } as unknown as ConstructorParameters<typeof Artifacts>[0]);
  const registry = createRegistry({
    store,
    guard,
    clock,
    log: silentLog,
    host: HOST,
    evidence: (name, descriptor) => scene.clearing.clearances.resources.of(store.repository(name), descriptor),
  });
  server = createServer((req, res) => void registry.handle(req, res, { principal: AGENT }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
  images = 0;
  start = undefined;
  const driver = {
    id: "container",
    ensureImage: async () => `image-${(images += 1)}`,
    start: async () => ({
      id: "0123456789abcdef",
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      exited: new Promise(() => undefined),
      stop: async () => undefined,
    }),
  } as unknown as ContainerDriver;
  const gateway = {
    removeServer: async () => undefined,
    addServer: (definition: Parameters<Gateway["addServer"]>[0]) => {
      if (definition.transport.type === "stdio") ({ start } = definition.transport);
    },
  } as unknown as Gateway;
  servers = new Servers({
    artifacts,
    gateway,
    guard,
    containers: async () => driver,
    launcher: new ServerLauncher({
      guard,
      secrets: new SecretUse({ guard, source: { get: async () => undefined } }),
      mounts: { homeDirectory: directory, forbidden: [], writable: [] },
      networks: [],
      runDirectory: directory,
      logs: new ServerLogs(clock),
      clock,
      log: silentLog,
    }),
    nodeExecutable: process.execPath,
    cacheDirectory: directory,
    log: silentLog,
  });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await scene.close();
});

const isDone = async (act: Promise<unknown>): Promise<boolean> =>
  act.then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ code: "policy.denied" });
      return false;
    },
  );

/** What each point does with the artifact now. */
async function points(): Promise<Record<string, boolean>> {
  const { clearances } = scene.clearing;
  const pull = await fetch(`http://127.0.0.1:${port}/v2/team/harbour/manifests/1.0`);
  const placed =
    start === undefined ? await isDone(servers.place(OWNER, found, { name: "harbour", allowUnisolated: false })) : true;
  const before = images;
  const isStarted = start === undefined ? false : await isDone(start(""));
  const { cleared, isCurrent } = await artifacts.clearedNow(found);
  const model = { reference: "m", digest: found.descriptor.digest, path: "", sizeBytes: 1, cleared };
  const resource = modelResource("m", { type: "local", model, isCurrent });
  const looked = await ownImage(artifacts, HOST, "team/harbour", "1.0");
  return {
    "registry pull": pull.status === 200,
    "server start": placed && isStarted,
    "sandbox image": images > before,
    "engine load": scene.guard.decide({ principal: OWNER, action: "model:invoke", resource }).allow,
    run: await isDone(admitModel(scene.guard, artifacts, OWNER, found, "1")),
    admission:
      looked?.resource.attributes?.["cleared"] === true && (await clearances.clearedNow("team/harbour:1.0")).cleared,
  };
}

const ALL = ["registry pull", "server start", "sandbox image", "engine load", "run", "admission"];
const all = (value: boolean): Record<string, boolean> => Object.fromEntries(ALL.map((name) => [name, value]));

describe("every enforcement point", () => {
  it("refuses what was never cleared, and takes what is", async () => {
    expect(await points()).toEqual(all(false));
    await scene.clearing.clearances.clear(OWNER, "team/harbour:1.0");
    expect(await points()).toEqual(all(true));
  });

  it("refuses what lost its clearance to another policy, and takes it when that is gone", async () => {
    await scene.clearing.clearances.clear(OWNER, "team/harbour:1.0");
    expect(await points()).toEqual(all(true));
    scene.setPolicy(`${PULL_CLEARED}\n${STRICT}`);
    expect(await points()).toEqual(all(false));
    scene.setPolicy(PULL_CLEARED);
    expect(await points()).toEqual(all(true));
  });

  it("refuses what lost its clearance to a vulnerability, and to a database that cannot be asked", async () => {
    await scene.clearing.clearances.clear(OWNER, "team/harbour:1.0");
    expect(await points()).toEqual(all(true));
    scene.setDatabase("d2", [CRITICAL]);
    expect(await points()).toEqual(all(false));
    scene.setDatabase("d3", []);
    expect(await points()).toEqual(all(true));
    scene.setDatabase("d3", undefined);
    expect(await points()).toEqual(all(false));
  });

  it("refuses what a waiver let pass, from the moment that it ends", async () => {
    scene.setDatabase("d2", [CRITICAL]);
    await scene.clearing.waivers.add(OWNER, {
      reference: "team/harbour:1.0",
      vulnerability: "CVE-2026-1234",
      reason: "not reachable",
      expires: "2026-11-02T00:00:00Z",
    });
    await scene.clearing.clearances.clear(OWNER, "team/harbour:1.0");
    expect(await points()).toEqual(all(true));
    scene.clock.advance(24 * 60 * 60 * 1000);
    expect(await points()).toEqual(all(false));
  });
});
