// Who may bring artifacts in from elsewhere and send them there: the default policies, a real store, a registry beside it.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditRecord, Principal, RecordBody } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { openContentStore, type ContentStore } from "@pratique/oci";
import { afterEach, beforeEach, expect, it } from "vitest";
import { installationDirectory } from "../installation.ts";
import { readPolicySet } from "../policy-files.ts";
import type { Artifacts } from "./artifacts.ts";
import { Transfers } from "./transfers.ts";

const owner = { type: "User", id: "user-1", name: "olga", groups: ["owner"] } as const;
const workload: Principal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/1/agent/root",
  groups: [],
  actingFor: { ...owner, groups: ["owner"] },
  run: "1",
};

let directory: string;
let store: ContentStore;
let elsewhere: Server;
let host: string;
let asked: string[];
let records: RecordBody[];
let transfers: Transfers;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-transfers-"));
  store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  asked = [];
  elsewhere = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    res.writeHead(404).end();
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  records = [];
  const append = async (body: RecordBody): Promise<AuditRecord> => {
    records.push(body);
    return { ...body, version: 1, id: "r", sequence: records.length - 1, time: "2026-01-01T00:00:00Z" };
  };
  const policies = await readPolicySet(join(installationDirectory(), "policies"));
  const guard = createGuard({ policy: () => policies, audit: { append }, clock: systemClock, log: silentLog });
  // A pull looks nothing up here.
  const artifacts = {} as Artifacts;
  transfers = new Transfers({ artifacts, store, guard, registry: "localhost:7340", log: silentLog });
});

afterEach(async () => {
  elsewhere.closeAllConnections();
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

it("a pull writes here, so an agent that may only pull is denied before anything is asked", async () => {
  const pull = transfers.pull(workload, { reference: `${host}/evil/harbour:1.0.0`, target: "voyage/harbour:1.0.0" });
  await expect(pull).rejects.toMatchObject({ code: "policy.denied" });
  expect(asked).toEqual([]);
  expect(records.map(({ action, decision }) => `${action} ${decision}`)).toEqual(["artifact:push deny"]);
});

it("a pull of the owner is two acts: one there, one here", async () => {
  const pull = transfers.pull({ ...owner, groups: ["owner"] }, { reference: `${host}/good/harbour:1.0.0` });
  await expect(pull).rejects.toMatchObject({ code: expect.not.stringContaining("policy") });
  expect(asked.length).toBeGreaterThan(0);
  expect(records.map(({ action, resource }) => `${action} ${resource.id}`)).toEqual([
    `artifact:pull ${host}/good/harbour`,
    "artifact:push localhost:7340/good/harbour",
  ]);
});
