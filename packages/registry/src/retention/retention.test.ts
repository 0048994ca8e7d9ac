import type { RetentionReport } from "@pratique/contracts";
import { Config } from "@pratique/contracts";
import type { Digest } from "@pratique/core";
import { VSA_PREDICATE } from "@pratique/evidence";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { openHouse, OWNER, type TestHouse } from "../housekeeping.fixture.ts";
import { applyRetention } from "./apply-retention.ts";

const DAY = 864e5;
const KEEP_NO_HISTORY = { history: { keepLast: 0, keepFor: "1s" } };
let bench: TestHouse | undefined;
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

async function open(rule: object, more: object = KEEP_NO_HISTORY): Promise<TestHouse> {
  bench = await openHouse({ config: { ...more, retention: { rules: [{ repository: "**", ...rule }] } } });
  return bench;
}

async function run(isDryRun = false, inUse: ReadonlyMap<Digest, string> = new Map()): Promise<RetentionReport> {
  await bench!.house.flush();
  return applyRetention({ ...bench!.retention, inUse: async () => inUse }, OWNER, { isDryRun });
}

const tagsOf = (name: string): Promise<string[]> => bench!.store.repository(name).tags();
const there = async (name: string, digest: Digest): Promise<boolean> =>
  (await bench!.store.repository(name).resolve(digest)) !== undefined;

describe("tags", () => {
  it("stay by the number of pushes, of pulls, by age and by name", async () => {
    const { push, clock, guard, store, retention } = await open({
      keepTags: [
        { tags: ["v*"] },
        { tags: ["*"], lastPushed: 1, lastPulled: 1, pushedWithin: "2d", pulledWithin: "1d" },
      ],
    });
    await push("a", "v", "v1");
    const pulled = await push("a", "1", "old-pulled");
    await push("a", "2", "old");
    clock.advance(10 * DAY);
    const resource = await retention.evidence("a", (await store.repository("a").resolve(pulled))!);
    const pull = await guard.perform({ principal: OWNER, action: "artifact:pull", resource }, async () => null);
    expect(pull.allowed).toBe(true);
    clock.advance(2 * DAY);
    await push("a", "3", "young");
    clock.advance(1000);
    await push("a", "4", "newest");
    const { removed, kept } = await run();
    expect(removed.map(({ tag }) => tag)).toContain("old");
    expect(await tagsOf("a")).toEqual(["newest", "old-pulled", "v1", "young"]);
    expect(Object.fromEntries(kept.map(({ tag, reason }) => [tag, reason]))).toEqual({
      v1: "tags v* stay",
      newest: "one of the last 1 pushed of *",
      young: "pushed recently, of *",
      "old-pulled": "one of the last 1 pulled of *",
    });
  });

  it("stay when they are immutable, cleared, in use, or of no rule", async () => {
    const { push, store } = await open(
      { repository: "a", keepTags: [{ tags: ["none"] }] },
      { ...KEEP_NO_HISTORY, immutableTags: [{ repository: "a", tags: "fixed" }] },
    );
    await push("a", "1", "fixed");
    const used = await push("a", "2", "used");
    const cleared = await push("a", "3", "cleared");
    const subject = (await store.repository("a").resolve(cleared))!;
    await push("a", "4", undefined, {
      subject,
      annotations: { "dev.sigstore.bundle.predicateType": VSA_PREDICATE },
    });
    await push("a", "5", "goes");
    await push("other", "5", "stays");
    const { kept } = await run(false, new Map([[used, "server weather needs it"]]));
    expect(await tagsOf("a")).toEqual(["cleared", "fixed", "used"]);
    expect(await tagsOf("other")).toEqual(["stays"]);
    expect(kept.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(["the tag is immutable", "server weather needs it", "it is cleared"]),
    );
  });
});

describe("manifests", () => {
  it("go after their time without a tag, and not before", async () => {
    const { push, clock } = await open({ deleteUntaggedAfter: "7d" });
    const one = await push("a", "1", "t");
    const loose = await push("a", "loose");
    clock.advance(DAY);
    await push("a", "2", "t");
    clock.advance(6.5 * DAY);
    await run();
    expect([await there("a", one), await there("a", loose)]).toEqual([true, false]);
    clock.advance(DAY);
    await run();
    expect(await there("a", one)).toBe(false);
  });

  it("stay while the history of a tag can lead back to them", async () => {
    const { push, clock } = await open({ deleteUntaggedAfter: "1d" }, { history: { keepLast: 1, keepFor: "3d" } });
    const digests: Digest[] = [];
    for (const text of ["1", "2", "3", "4"]) digests.push(await push("a", text, "t"));
    clock.advance(2 * DAY);
    await run();
    expect(await Promise.all(digests.map((digest) => there("a", digest)))).toEqual([true, true, true, true]);
    clock.advance(2 * DAY);
    await run();
    expect(await Promise.all(digests.map((digest) => there("a", digest)))).toEqual([false, false, true, true]);
  });

  it("stay for a tag's history however often another tag moved", async () => {
    const { push, database } = await open({ deleteUntaggedAfter: "1d" }, { history: { keepLast: 1, keepFor: "1s" } });
    const before = await push("a", "1", "t");
    await push("a", "2", "t");
    const nobody = { principal: null, action: null, act: null, record: null };
    const ends = { fromDigest: null, toDigest: before, time: "2026-01-01T00:00:00.000Z", isDone: 1 } as const;
    const moves = Array.from({ length: 10_001 }, (_, at) => {
      return { change: `c${at}`, repository: "a", tag: "busy", ...ends, ...nobody };
    });
    await database.registry.write({ moves });
    bench!.clock.advance(30 * DAY);
    await run();
    expect(await there("a", before)).toBe(true);
  });

  it("go with their index and with their subject, lists of older clients too", async () => {
    const { push, pushIndex, store, clock } = await open({
      keepTags: [{ tags: ["keep"] }],
      deleteUntaggedAfter: "1d",
    });
    const attach = async (to: Digest): Promise<Digest> => {
      const subject = (await store.repository("a").resolve(to))!;
      const referrer = await push("a", `referrer of ${to}`, undefined, { subject });
      await pushIndex("a", [referrer], to.replace(":", "-"));
      await push("a", `cosign of ${to}`, `${to.replace(":", "-")}.sig`);
      return referrer;
    };
    const [kept, gone] = [await push("a", "kept"), await push("a", "gone")];
    const [keptIndex, goneIndex] = [await pushIndex("a", [kept], "keep"), await pushIndex("a", [gone], "drop")];
    const [keptReferrer, goneReferrer] = [await attach(kept), await attach(gone)];
    clock.advance(2 * DAY);
    const dry = await run(true);
    const report = await run();
    expect(report.failed).toEqual([]);
    expect(report.removed).toEqual(dry.removed);
    const all = [kept, keptIndex, keptReferrer, gone, goneIndex, goneReferrer];
    expect(await Promise.all(all.map((digest) => there("a", digest)))).toEqual([true, true, true, false, false, false]);
    const bound = kept.replace(":", "-");
    expect(await tagsOf("a")).toEqual(["keep", bound, `${bound}.sig`]);
  });

  it("stay when somebody names them while the run is under way", async () => {
    const { push, clock, store, act, retention } = await open({ keepTags: [{ tags: ["keep"] }] });
    const digest = await push("a", "1", "t");
    clock.advance(DAY);
    await bench!.house.flush();
    const evidence: typeof retention.evidence = async (name, descriptor) => {
      const manifest = await store.repository("a").manifest(digest);
      await act("a", () => store.repository("a").putManifest(manifest!.bytes, manifest!.mediaType, "keep"));
      return retention.evidence(name, descriptor);
    };
    const report = await applyRetention({ ...retention, evidence }, OWNER, { isDryRun: false });
    expect(report.failed.map(({ digest: one }) => one)).toEqual([digest]);
    expect(await tagsOf("a")).toEqual(["keep"]);
  });

  it("stay when they are cleared while the run is under way", async () => {
    const { push, clock, store, retention } = await open({ keepTags: [{ tags: ["keep"] }] });
    const digest = await push("a", "1", "t");
    clock.advance(DAY);
    await bench!.house.flush();
    const evidence: typeof retention.evidence = async (name, descriptor) => {
      const subject = (await store.repository("a").resolve(digest))!;
      await push("a", "2", undefined, { subject, annotations: { "dev.sigstore.bundle.predicateType": VSA_PREDICATE } });
      return retention.evidence(name, descriptor);
    };
    const report = await applyRetention({ ...retention, evidence }, OWNER, { isDryRun: false });
    expect([...new Set(report.failed.map(({ digest: one }) => one))]).toEqual([digest]);
    expect(await tagsOf("a")).toEqual(["t"]);
  });

  it("stay when policy forbids to delete them", async () => {
    const { push, retention } = await open({ keepTags: [{ tags: ["none"] }] });
    await push("a", "1", "t");
    const stranger = { type: "User", id: "user-2", name: "sven", groups: [] } as const;
    const report = await applyRetention(retention, { ...stranger, groups: [] }, { isDryRun: false });
    expect([report.removed, report.failed.length]).toEqual([[], 2]);
    expect(await tagsOf("a")).toEqual(["t"]);
  });
});

it("does what its dry run says, and no tag that stays loses content", { timeout: 120_000 }, async () => {
  const step = fc.record({
    act: fc.constantFrom("image", "image", "index", "attach", "delete", "wait"),
    tag: fc.constantFrom("a", "b", "v1", "v2", undefined),
    pick: fc.nat(),
    text: fc.integer({ min: 0, max: 9 }).map(String),
  });
  const within = fc.option(fc.constantFrom("1d", "3d"), { nil: undefined });
  const count = fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined });
  const keep = fc.record({ tags: fc.constantFrom(["*"], ["v*"], ["a"]), lastPushed: count, pushedWithin: within });
  const rule = fc.record({
    keepTags: fc.option(fc.array(keep, { maxLength: 2 }), { nil: undefined }),
    deleteUntaggedAfter: within,
  });
  const history = fc.record({ keepLast: fc.integer({ min: 0, max: 2 }), keepFor: fc.constantFrom("1s", "2d") });
  const property = fc.asyncProperty(fc.array(step, { maxLength: 20 }), rule, history, async (steps, one, past) => {
    await open(JSON.parse(JSON.stringify(one)), { history: past });
    const { push, pushIndex, store, clock, act, house } = bench!;
    const repository = store.repository("r");
    const known: Digest[] = [];
    for (const { act: what, tag, pick, text } of steps) {
      const picked = known.length === 0 ? undefined : known[pick % known.length];
      clock.advance(1000);
      if (what === "image") known.push(await push("r", text, tag));
      if (what === "index" && picked !== undefined) known.push(await pushIndex("r", [picked], tag));
      const subject = picked === undefined ? undefined : await repository.resolve(picked);
      if (what === "attach" && subject !== undefined) known.push(await push("r", text, undefined, { subject }));
      if (what === "delete" && tag !== undefined) await act("r", () => repository.deleteTag(tag), "artifact:delete");
      if (what === "wait") clock.advance(1.5 * DAY);
    }
    await house.flush();
    const before = new Map((await repository.manifests()).map((manifest) => [manifest.descriptor.digest, manifest]));
    const dry = await run(true);
    expect([...(await repository.manifests())].length).toBe(before.size);
    const real = await run();
    expect(real.failed).toEqual([]);
    expect(real.removed).toEqual(dry.removed);
    expect(real.kept).toEqual(dry.kept);
    const after = new Map((await repository.manifests()).map((manifest) => [manifest.descriptor.digest, manifest]));
    const gone = new Set(real.removed.filter(({ tag }) => tag === undefined).map(({ digest }) => digest));
    expect([...before.keys()].filter((digest) => !after.has(digest)).toSorted()).toEqual([...gone].toSorted());
    const lost: string[] = [];
    for (const { isIndex, content, descriptor, subject } of after.values()) {
      for (const part of content) {
        const isThere = isIndex ? after.has(part) : (await repository.blobSize(part)) !== undefined;
        if (!isThere && (!isIndex || before.has(part))) lost.push(`${part} of ${descriptor.digest}`);
      }
      // A referrer is here only as long as its subject, unless a tag or index of its own keeps it.
      const isOrphan = subject !== undefined && before.has(subject) && !after.has(subject);
      if (isOrphan && !real.kept.some(({ digest }) => digest === descriptor.digest)) lost.push(descriptor.digest);
    }
    expect(lost).toEqual([]);
    for (const tag of await repository.tags()) expect(await repository.resolve(tag)).toBeDefined();
    // Of what is left every tag stays again; a tag that went takes its past along.
    expect((await run()).removed.filter(({ tag }) => tag !== undefined)).toEqual([]);
    await bench!.close();
    bench = undefined;
  });
  await fc.assert(property, { numRuns: 25 });
});

it("knows what a keep rule without a condition means", () => {
  const { registry } = Config.parse({ registry: { retention: { rules: [{ repository: "**", keepTags: [{}] }] } } });
  expect(registry.retention.rules[0]?.keepTags).toEqual([{ tags: ["*"] }]);
});
