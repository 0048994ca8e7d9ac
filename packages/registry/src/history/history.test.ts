import { digestOf, type Digest } from "@pratique/core";
import { openContentStore, type LocalRepository } from "@pratique/oci";
import { silentLog } from "@pratique/core";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { openHouse, OWNER, type TestHouse } from "../housekeeping.fixture.ts";
import { historyOf, rollbackTarget } from "./tag-history.ts";

let bench: TestHouse | undefined;
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

const repo = (): LocalRepository => bench!.store.repository("team/app");
async function moves(tag = "t"): Promise<Awaited<ReturnType<typeof historyOf>>> {
  await bench!.house.flush();
  return historyOf(bench!.database.registry, repo(), tag);
}

it("keeps every move with who, when, and the record of the act", async () => {
  bench = await openHouse();
  const one = await bench.push("team/app", "1", "t");
  bench.clock.advance(60_000);
  const two = await bench.push("team/app", "2", "t");
  await bench.push("team/app", "2", "t");
  await bench.act("team/app", () => repo().deleteTag("t"), "artifact:delete");
  const seen = await moves();
  expect(seen.map(({ from, to, action }) => [from, to, action])).toEqual([
    [two, undefined, "artifact:delete"],
    [one, two, "artifact:push"],
    [undefined, one, "artifact:push"],
  ]);
  expect(seen[1]).toMatchObject({
    time: "2026-01-01T00:01:00.000Z",
    principal: { id: OWNER.id, name: "olga" },
    isFromThere: true,
  });
  for (const { record, action } of seen) {
    expect(bench.records.find(({ id }) => id === record)).toMatchObject({ action, outcome: "done" });
  }
});

it("names the act that writes when one act is part of another", async () => {
  bench = await openHouse();
  const { guard, push } = bench;
  const resource = { type: "Repository", id: "elsewhere/x", attributes: { name: "x" } } as const;
  await bench.act("team/app", async () => {
    const bytes = await push("team/app", "1");
    const manifest = await repo().manifest(bytes);
    await guard.perform({ principal: OWNER, action: "artifact:pull", resource }, () =>
      repo().putManifest(manifest!.bytes, manifest!.mediaType, "t"),
    );
  });
  expect((await moves())[0]?.action).toBe("artifact:push");
});

it("finds the way back, and says when there is none", async () => {
  bench = await openHouse();
  const one = await bench.push("team/app", "1", "t");
  const two = await bench.push("team/app", "2", "t");
  const three = await bench.push("team/app", "3", "t");
  const all = await moves();
  const target = (to?: string | number): Promise<Digest> => rollbackTarget(repo(), "t", all, to);
  expect([await target(), await target(2), await target(one)]).toEqual([two, one, one]);
  await expect(target(3)).rejects.toMatchObject({ code: "registry.history-unknown" });
  await expect(target(three)).rejects.toMatchObject({ code: "registry.rollback-nothing" });
  await expect(target(digestOf("never"))).rejects.toMatchObject({ code: "registry.rollback-gone" });
  await expect(target("sha256:x")).rejects.toMatchObject({ code: "digest.invalid" });
  await bench.act("team/app", () => repo().deleteManifest(two));
  await expect(target()).rejects.toMatchObject({ code: "registry.rollback-gone" });
  expect((await moves())[0]?.isFromThere).toBe(false);
});

it("neither moves nor deletes an immutable tag, whoever asks", async () => {
  bench = await openHouse({ config: { immutableTags: [{ repository: "team/**", tags: ["semver", "keep-*"] }] } });
  const one = await bench.push("team/app", "1", "v1.0.0");
  await bench.push("team/app", "1", "v1.0.0");
  await bench.push("team/app", "1", "v1.0");
  await bench.push("team/app", "2", "v1.0");
  await bench.push("other/app", "1", "v1.0.0");
  await bench.push("other/app", "2", "v1.0.0");
  const refused = { code: "registry.tag-immutable" };
  await expect(bench.push("team/app", "2", "v1.0.0")).rejects.toMatchObject(refused);
  await expect(bench.act("team/app", () => repo().deleteTag("v1.0.0"))).rejects.toMatchObject(refused);
  await expect(bench.act("team/app", () => repo().deleteManifest(one))).rejects.toMatchObject(refused);
  expect((await repo().resolve("v1.0.0"))?.digest).toBe(one);
  expect((await moves("v1.0.0")).length).toBe(1);
});

it("decides at start what a crash left open", async () => {
  bench = await openHouse();
  const { directory, clock, records, database } = bench;
  const one = await bench.push("team/app", "1", "t");
  const two = await bench.push("team/app", "2", "t");
  await bench.house.flush();
  // What the journal holds when the process dies before the store was changed, and after.
  const base = { repository: "team/app", principal: null, action: "artifact:push", record: null, isDone: 0 as const };
  const open = (change: string, tag: string, from: string | null, to: string | null, act: string) =>
    database.registry.write({
      moves: [{ ...base, change, tag, fromDigest: from, toDigest: to, time: "2026-01-01T00:00:00Z", act }],
      events: [
        {
          id: `e-${change}`,
          change,
          type: "tag.moved",
          repository: "team/app",
          time: "2026-01-01T00:00:00Z",
          body: "{}",
          isDone: 0,
        },
      ],
    });
  await open("happened-1", "t", two, one, "a");
  await open("happened-2", "t", one, two, "b");
  await open("not", "t", two, one, "c");
  await open("not-made", "new", null, one, "d");
  await bench.crash();
  bench = await openHouse({ directory, clock, records });
  expect((await moves()).map(({ from, to }) => [from, to])).toEqual([
    [one, two],
    [two, one],
    [one, two],
    [undefined, one],
  ]);
  expect(await moves("new")).toEqual([]);
  expect(await bench.database.registry.undecidedMoves()).toEqual([]);
  expect((await bench.database.registry.events({})).map(({ id }) => id)).toContain("e-happened-2");
});

it("writes down what moved without it, and marks it as nobody's", async () => {
  bench = await openHouse();
  const { directory, clock, records } = bench;
  const one = await bench.push("team/app", "1", "t");
  const two = await bench.push("team/app", "2", "u");
  await bench.house.flush();
  await bench.crash();
  const strange = await openContentStore(join(directory, "registry"), { clock, log: silentLog });
  const manifest = await strange.repository("team/app").manifest(two);
  await strange.repository("team/app").putManifest(manifest!.bytes, manifest!.mediaType, "t");
  await strange.repository("team/app").deleteTag("u");
  await strange.close();
  bench = await openHouse({ directory, clock, records });
  const [newest] = await moves();
  expect([newest?.from, newest?.to, newest?.principal, newest?.action]).toEqual([one, two, undefined, undefined]);
  expect((await moves("u"))[0]).toMatchObject({ from: two });
  const again = bench;
  await again.crash();
  bench = await openHouse({ directory, clock, records });
  expect((await moves()).length).toBe(2);
});

it("is ready before it has read what it holds, and mistakes no push for a strange move", async () => {
  bench = await openHouse();
  const { directory, clock, records } = bench;
  const one = await bench.push("team/app", "1", "t");
  await bench.push("team/other", "1", "t");
  await bench.house.flush();
  await bench.crash();
  const strange = await openContentStore(join(directory, "registry"), { clock, log: silentLog });
  const manifest = await strange.repository("team/app").manifest(one);
  await strange.repository("team/app").putManifest(manifest!.bytes, manifest!.mediaType, "u");
  await strange.close();
  bench = await openHouse({ directory, clock, records, isHasty: true });
  const two = await bench.push("team/app", "2", "u");
  await bench.house.settled();
  expect((await moves("u")).map(({ from, to, principal }) => [from, to, principal?.id])).toEqual([
    [one, two, "owner-1"],
    [undefined, one, undefined],
  ]);
  expect((await moves("t")).length).toBe(1);
});

it("finds the records of acts that it had not heard of when it died", async () => {
  bench = await openHouse();
  const { directory, clock, records } = bench;
  await bench.push("team/app", "1", "t");
  await bench.crash();
  bench = await openHouse({ directory, clock, records });
  const [move] = await moves();
  expect(records.find(({ id }) => id === move?.record)).toMatchObject({ action: "artifact:push" });
});

it("lets lists of signatures and referrers grow, whatever is immutable", async () => {
  bench = await openHouse({ config: { immutableTags: [{ repository: "**", tags: "*" }] } });
  const one = await bench.push("team/app", "1", "t");
  for (const suffix of ["", ".sig"]) {
    await bench.push("team/app", "list 1", one.replace(":", "-") + suffix);
    await bench.push("team/app", "list 2", one.replace(":", "-") + suffix);
  }
  await expect(bench.push("team/app", "2", "t")).rejects.toMatchObject({ code: "registry.tag-immutable" });
});
