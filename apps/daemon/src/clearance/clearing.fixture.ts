// Clearances over real parts: content store, database, policies, guard; what changes is changed by the test.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClearanceConfig, Finding, RecordBody, UserPrincipal, VulnerabilityFacts } from "@pratique/contracts";
import { manualClock, silentLog, type JsonObject, type ManualClock } from "@pratique/core";
import {
  attest,
  countsOf,
  CYCLONEDX_PREDICATE,
  EvidenceCache,
  openSigningKey,
  PROVENANCE_PREDICATE,
  provenanceOf,
  signArtifact,
  type SigningKey,
  type Trust,
  type VulnerabilityOpinion,
} from "@pratique/evidence";
import { createGuard, type Guard } from "@pratique/guard";
import { MEDIA_TYPES, openContentStore, type ContentStore } from "@pratique/oci";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import { openDatabase, type Database } from "@pratique/store";
import { findArtifact, type Found } from "../artifacts/find-artifact.ts";
import { installationDirectory } from "../installation.ts";
import { readPolicySources } from "./policy-sources.fixture.ts";
import { openClearance, type Clearing } from "./open-clearance.ts";

export const HOST = "localhost:7340";
export const OWNER: UserPrincipal = { type: "User", id: "user-1", name: "olga", groups: ["owner"] };
export const GUEST: UserPrincipal = { type: "User", id: "user-2", name: "sven", groups: [] };

export const CRITICAL: Finding = {
  id: "GHSA-1",
  aliases: ["CVE-2026-1234"],
  purl: "pkg:npm/left-pad@1.0.0",
  locations: [],
  severity: "critical",
  fixedIn: ["1.0.1"],
  knownExploited: false,
  malicious: false,
  source: "osv",
  state: "affected",
};

export interface Scene {
  readonly directory: string;
  readonly store: ContentStore;
  readonly database: Database;
  readonly guard: Guard;
  readonly clock: ManualClock;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly records: RecordBody[];
  readonly events: { readonly type: string; readonly data: JsonObject }[];
  clearing: Clearing;
  /** Adds rules to the default policies, or takes them away. */
  setPolicy(rules?: string): void;
  /** What the database knows now; undefined: it cannot be asked. */
  setDatabase(version: string, findings: readonly Finding[] | undefined): void;
  /** The log refuses the next records. */
  breakLog(isBroken: boolean): void;
  /** A signed artifact with SBOM and provenance. */
  prove(repository: string, more?: JsonObject): Promise<Found>;
  /** The log takes no records, and says nothing, until it is let go. */
  hangLog(): () => void;
  /** As after a restart, or after a death: then with what lets the log go, for the new daemon alone. */
  reopen(release?: () => void): Promise<void>;
  close(): Promise<void>;
}

export async function openScene(config: Partial<ClearanceConfig> = {}): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), "pratique-clearance-"));
  const clock = manualClock("2026-11-01T00:00:00Z");
  const store = await openContentStore(join(directory, "registry"), { clock, log: silentLog });
  const database = await openDatabase({ file: join(directory, "pratique.db") });
  const key = await openSigningKey(join(directory, "keys"));
  const trust: Trust = { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] };
  const sources = await readPolicySources(join(installationDirectory(), "policies"));
  const setWith = (rules = ""): PolicySet =>
    loadPolicySet({ ...sources, files: rules === "" ? sources.files : { ...sources.files, "more.cedar": rules } });
  let policies = setWith();
  const records: RecordBody[] = [];
  const events: Scene["events"] = [];
  let isLogBroken = false;
  let isLogHanging = false;
  const guard = createGuard({
    policy: () => policies,
    audit: {
      append: async (body) => {
        if (isLogBroken) throw new Error("no space left on device");
        if (isLogHanging) return await new Promise<never>(() => undefined);
        const sequence = records.push(body) - 1;
        const record = { ...body, version: 1 as const, id: `r${sequence}`, sequence, time: clock.now().toISOString() };
        const { id, time } = record;
        const row = {
          id,
          sequence,
          time,
          principal: body.principal.id,
          actingFor: null,
          action: body.action,
          resourceType: body.resource.type,
          resourceId: body.resource.id,
          digest: body.resource.digest ?? null,
          run: null,
          decision: body.decision,
          outcome: body.outcome,
          body: JSON.stringify(record),
        };
        await database.records.insertAll([row]);
        return record;
      },
    },
    clock,
    log: silentLog,
  });
  let known: { version: string; findings: readonly Finding[] | undefined } = { version: "d1", findings: [] };
  const opinion: VulnerabilityOpinion = {
    version: () => `${known.version}${known.findings === undefined ? "+unavailable" : ""}`,
    of: async () => {
      const { version: databaseVersion, findings } = known;
      const status: VulnerabilityFacts["status"] = findings === undefined ? "unavailable" : "checked";
      const facts = { status, ...countsOf(findings ?? []), databaseVersion };
      return { facts, databaseVersion, findings: findings ?? [] };
    },
  };
  let sequence = 0;
  const openAll = (): Promise<Clearing> =>
    openClearance({
      database,
      store,
      guard,
      key,
      trust,
      cache: new EvidenceCache(),
      opinion,
      policy: () => policies,
      registry: HOST,
      owner: OWNER,
      config: { renew: true, signRefusals: false, longestWaiver: 365, ...config },
      emit: (type, data) => void events.push({ type, data }),
      clock,
      log: silentLog,
      ids: () => `id-${String((sequence += 1)).padStart(4, "0")}`,
    });
  const scene: Scene = {
    directory,
    store,
    database,
    guard,
    clock,
    key,
    trust,
    records,
    events,
    clearing: await openAll(),
    setPolicy: (rules) => void (policies = setWith(rules)),
    setDatabase: (version, findings) => void (known = { version, findings }),
    breakLog: (isBroken) => void (isLogBroken = isBroken),
    async prove(name, more = {}) {
      const repository = store.repository(name);
      const config = await repository.putBlob(Buffer.from("{}"));
      const manifest = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.imageManifest,
        config: { mediaType: MEDIA_TYPES.empty, ...config },
        layers: [],
        ...more,
      };
      const bytes = Buffer.from(JSON.stringify(manifest));
      const subject = await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "1.0");
      await signArtifact(repository, subject, key, clock);
      const bom = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components: [] };
      await attest(repository, subject, { predicateType: CYCLONEDX_PREDICATE, predicate: bom }, key, clock);
      const predicate = provenanceOf({
        builder: "https://pratique.dev/daemon",
        buildType: "https://pratique.dev/build/v1",
        externalParameters: {},
        materials: [],
        startedOn: clock.now(),
        finishedOn: clock.now(),
        invocationId: "1",
      });
      await attest(repository, subject, { predicateType: PROVENANCE_PREDICATE, predicate }, key, clock);
      return findArtifact(store, HOST, `${name}:1.0`);
    },
    hangLog() {
      isLogHanging = true;
      return () => void (isLogHanging = false);
    },
    async reopen(release) {
      release?.();
      await scene.clearing.background.close();
      scene.clearing = await openAll();
    },
    async close() {
      await scene.clearing.background.close();
      await database.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return scene;
}
