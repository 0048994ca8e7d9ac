import type { AuditRecord, Principal, RecordBody } from "@pratique/contracts";
import { Config } from "@pratique/contracts";
import { silentLog, systemClock, uuidv7 } from "@pratique/core";
import { ActScope, createGuard } from "@pratique/guard";
import { openContentStore, MEDIA_TYPES } from "@pratique/oci";
import { Housekeeping } from "@pratique/registry";
import { loadPolicySet } from "@pratique/policy";
import { openDatabase, type RegistryJournal } from "@pratique/store";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi, type MockInstance } from "vitest";
import { repositoryResource } from "../artifacts/artifacts.ts";
import { EventDesk } from "./event-desk.ts";
import { readWebhookSecrets } from "./webhook-secrets.ts";

const HOST = "localhost:7340";
const OWNER: Principal = { type: "User", id: "owner-1", name: "olga", groups: ["owner"] };
const GUEST: Principal = { type: "User", id: "guest-1", name: "gil", groups: [] };
const STRANGER: Principal = { type: "User", id: "stranger-1", name: "sven", groups: [] };
const MORE = `@id("guests-see-open") permit (principal == Pratique::User::"guest-1",
  action == Pratique::Action::"artifact:pull", resource is Pratique::Repository) when { resource.name like "open/*" };`;

let directory: string;
let desk: EventDesk;
let events: MockInstance<RegistryJournal["events"]>;
let highest: MockInstance<RegistryJournal["highestEvent"]>;
let close: () => Promise<void>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-events-"));
  const [clock, log] = [systemClock, silentLog];
  const database = await openDatabase({ file: join(directory, "db.sqlite") });
  const policies = join(import.meta.dirname, "../../../../policies");
  const names = (await readdir(policies)).filter((name) => name.endsWith(".cedar"));
  const texts = names.map(async (name) => [name, await readFile(join(policies, name), "utf8")] as const);
  const set = loadPolicySet({
    schema: await readFile(join(policies, "pratique.cedarschema"), "utf8"),
    files: { ...Object.fromEntries(await Promise.all(texts)), "more.cedar": MORE },
  });
  const ids = (): string => uuidv7(clock);
  let sequence = 0;
  const audit = {
    append: async (body: RecordBody): Promise<AuditRecord> => {
      return { ...body, version: 1, id: ids(), sequence: sequence++, time: clock.now().toISOString() };
    },
    find: async () => [],
    size: () => sequence,
  };
  const acts = new ActScope();
  const guard = createGuard({ policy: () => set, audit, clock, log, acts });
  const journal = database.registry;
  const config = Config.parse({}).registry;
  const house = new Housekeeping({ config, journal, acts, audit, host: HOST, secrets: {}, clock, log, ids });
  const store = await openContentStore(join(directory, "registry"), { clock, log, observer: house.observer });
  await house.start(store);
  for (const name of ["open/app", "closed/app"]) {
    await guard.perform(
      { principal: OWNER, action: "artifact:push", resource: repositoryResource(name, HOST) },
      async () => {
        const repository = store.repository(name);
        const blob = await repository.putBlob(Buffer.from("{}"));
        const config = { mediaType: MEDIA_TYPES.imageConfig, ...blob };
        const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config, layers: [] };
        await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "t");
      },
    );
  }
  house.emit("retention.run", { removed: 0 });
  await house.flush();
  events = vi.spyOn(journal, "events");
  highest = vi.spyOn(journal, "highestEvent");
  desk = new EventDesk({ store, journal, house, guard, registry: HOST });
  close = async () => {
    await store.close();
    await house.close();
    await database.close();
  };
});
afterAll(async () => {
  await close();
  await rm(directory, { recursive: true, force: true });
});

async function seen(principal: Principal): Promise<(string | undefined)[]> {
  const events = await desk.list(principal, new URLSearchParams({ after: "0" }));
  return events.map(({ event }) => event.subject?.split(/[@:]/)[0]);
}

it("shows everybody the events of the repositories that policy lets them see", async () => {
  expect(await seen(OWNER)).toEqual(["open/app", "open/app", "closed/app", "closed/app", undefined]);
  expect(await seen(GUEST)).toEqual(["open/app", "open/app"]);
  await expect(seen(STRANGER)).rejects.toMatchObject({ code: "policy.denied" });
});

it("goes on after a number, and shows in a stream what it shows in a list", async () => {
  const gone = new AbortController();
  const found: string[] = [];
  for await (const { event, sequence } of await desk.follow(GUEST, "1", gone.signal)) {
    found.push(`${sequence} ${event.type}`);
    gone.abort();
  }
  expect(found).toEqual(["2 dev.pratique.registry.tag.moved"]);
  await expect(desk.follow(STRANGER, "0", gone.signal)).rejects.toMatchObject({ code: "policy.denied" });
  await expect(desk.follow(OWNER, "-1", gone.signal)).rejects.toMatchObject({ code: "control.bad-request" });
});

it("refuses a webhook whose secret is missing or no secret", async () => {
  const home = { directory, configFile: "pratique.yaml" };
  const hook = (secretFile: string) =>
    readWebhookSecrets(
      Config.parse({ registry: { webhooks: { hook: { url: "http://hook.test", secretFile } } } }).registry.webhooks,
      home,
    );
  await expect(hook("missing")).rejects.toMatchObject({ code: "config.invalid" });
  await expect(hook("registry")).rejects.toMatchObject({ code: "config.invalid" });
});

it("asks the database for many readers as seldom as for one, whatever number they have seen", async () => {
  const stop = new AbortController();
  const readers = await Promise.all(
    Array.from({ length: 50 }, () => desk.follow(OWNER, "999999999999999", stop.signal)),
  );
  events.mockClear();
  highest.mockClear();
  const read = readers.map(async (reader) => {
    for await (const one of reader) return one;
    return undefined;
  });
  await vi.waitFor(() => expect(highest.mock.calls.length).toBeGreaterThan(2), { timeout: 10_000 });
  expect(highest.mock.calls.length).toBeLessThan(10);
  expect(events.mock.calls.length).toBe(50);
  stop.abort();
  expect(new Set(await Promise.all(read))).toEqual(new Set([undefined]));
});
