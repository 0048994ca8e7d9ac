// A store under housekeeping for tests: real database, guard and policies; records are kept in memory.
import type { AuditRecord, HousekeepingConfig, RecordBody, UserPrincipal } from "@pratique/contracts";
import { Config } from "@pratique/contracts";
import { manualClock, silentLog, uuidv7, type Digest, type ManualClock } from "@pratique/core";
import { ActScope, createGuard, type Guard } from "@pratique/guard";
import { MEDIA_TYPES, openContentStore, type ContentStore } from "@pratique/oci";
import { loadPolicySet } from "@pratique/policy";
import { openDatabase, type Database } from "@pratique/store";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryResource, unprovenArtifact } from "./act.ts";
import { Housekeeping, type HousekeepingOptions } from "./housekeeping.ts";
import type { RetentionOptions } from "./retention/apply-retention.ts";

const POLICIES = join(import.meta.dirname, "../../../policies");
const HOST = "registry.test";
export const OWNER: UserPrincipal = { type: "User", id: "owner-1", name: "olga", groups: ["owner"] };

export interface TestHouse {
  readonly directory: string;
  readonly config: HousekeepingConfig;
  readonly clock: ManualClock;
  readonly records: AuditRecord[];
  readonly acts: ActScope;
  readonly guard: Guard;
  readonly database: Database;
  readonly store: ContentStore;
  readonly house: Housekeeping;
  /** Does something to a repository as the owner, in an act of its own. */
  act<T>(repository: string, task: () => Promise<T>, action?: "artifact:push" | "artifact:delete"): Promise<T>;
  /** Pushes an image whose layer holds this text; without a tag by digest. */
  push(repository: string, text: string, tag?: string, more?: object): Promise<Digest>;
  pushIndex(repository: string, parts: readonly Digest[], tag?: string): Promise<Digest>;
  retention: RetentionOptions;
  /** Stops without saying goodbye, as a crash does. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

export interface TestHouseOptions {
  readonly config?: object;
  readonly directory?: string;
  readonly records?: AuditRecord[];
  readonly clock?: ManualClock;
  readonly post?: HousekeepingOptions["post"];
  readonly secrets?: Readonly<Record<string, string>>;
  /** Does not wait until tags that moved meanwhile are found. */
  readonly isHasty?: boolean;
}

export async function openHouse(options: TestHouseOptions = {}): Promise<TestHouse> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "pratique-house-")));
  const config = Config.parse({ registry: options.config ?? {} }).registry;
  const clock = options.clock ?? manualClock();
  const records = options.records ?? [];
  const acts = new ActScope();
  const database = await openDatabase({ file: join(directory, "db.sqlite") });
  const ids = (): string => uuidv7(clock);
  const audit = {
    append: async (body: RecordBody): Promise<AuditRecord> => {
      const time = clock.now().toISOString();
      const record: AuditRecord = { ...body, version: 1, id: ids(), sequence: records.length, time };
      records.push(record);
      house.recorded(record);
      return record;
    },
    find: async ({ after = -1, limit = 100 }) => records.filter(({ sequence }) => sequence > after).slice(0, limit),
    size: () => records.length,
  };
  const { post, secrets = {} } = options;
  const house = new Housekeeping({
    config,
    journal: database.registry,
    acts,
    audit,
    host: HOST,
    secrets,
    clock,
    log: silentLog,
    ids,
    ...(post === undefined ? {} : { post }),
  });
  const policies = await loadPolicies();
  const guard = createGuard({ policy: () => policies, audit, clock, log: silentLog, acts });
  const store = await openContentStore(join(directory, "registry"), {
    clock,
    log: silentLog,
    observer: house.observer,
  });
  await house.start(store);
  if (options.isHasty !== true) await house.settled();

  const act: TestHouse["act"] = async (repository, task, action = "artifact:push") => {
    const resource = repositoryResource({ host: HOST }, repository);
    const outcome = await guard.perform({ principal: OWNER, action, resource }, task);
    if (!outcome.allowed) throw new Error(outcome.decision.reason);
    return outcome.value;
  };
  const put = (repository: string, manifest: { mediaType: string }, tag?: string): Promise<Digest> =>
    act(repository, async () => {
      const bytes = Buffer.from(JSON.stringify(manifest));
      return (await store.repository(repository).putManifest(bytes, manifest.mediaType, tag, { sparse: true })).digest;
    });
  const stop = async (): Promise<void> => {
    await store.close();
    await house.webhooks.close();
    await database.close();
  };
  return {
    directory,
    config,
    clock,
    records,
    acts,
    guard,
    database,
    store,
    house,
    act,
    async push(repository, text, tag, more = {}) {
      const to = store.repository(repository);
      const config = await act(repository, () => to.putBlob(Buffer.from("{}")));
      const layer = await act(repository, () => to.putBlob(Buffer.from(text)));
      const manifest = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.imageManifest,
        config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
        layers: [{ mediaType: MEDIA_TYPES.layerTar, ...layer }],
        ...more,
      };
      return put(repository, manifest, tag);
    },
    async pushIndex(repository, parts, tag) {
      const found = await Promise.all(parts.map((part) => store.repository(repository).resolve(part)));
      const manifests = found.filter((part) => part !== undefined);
      const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests };
      return put(repository, index, tag);
    },
    retention: {
      config,
      store,
      journal: database.registry,
      guard,
      clock,
      log: silentLog,
      isImmutable: (repository, tag) => house.policies.isImmutable(repository, tag),
      inUse: async () => new Map(),
      evidence: async (repository, descriptor) => unprovenArtifact(HOST, repository, descriptor, clock.now()),
    },
    crash: stop,
    async close() {
      await store.close();
      await house.close();
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function loadPolicies(): Promise<ReturnType<typeof loadPolicySet>> {
  const names = (await readdir(POLICIES)).filter((name) => name.endsWith(".cedar"));
  const read = async (name: string): Promise<string> => readFile(join(POLICIES, name), "utf8");
  const files = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
  return loadPolicySet({ schema: await read("pratique.cedarschema"), files });
}
