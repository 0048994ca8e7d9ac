import { digestOf } from "@pratique/core";
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { openHouse, type TestHouse } from "../housekeeping.fixture.ts";
import { codeOf, startRegistry, type TestRegistry } from "../registry.fixture.ts";
import { QuotaLedger } from "./quota-ledger.ts";

const KIB = 1024;
let bench: TestHouse | undefined;
let registry: TestRegistry | undefined;
afterEach(async () => {
  await bench?.close();
  await registry?.stop();
  [bench, registry] = [undefined, undefined];
});

const quotas = [{ repository: "small/**", bytes: 100 * KIB, tags: 2, manifests: 3 }];

describe("a quota", () => {
  it("counts a blob once, whatever way it came, and gives back what goes", async () => {
    bench = await openHouse({ config: { quotas } });
    const { store, house, act } = bench;
    const one = store.repository("small/one");
    const bytes = randomBytes(30 * KIB);
    await act("small/one", () => one.putBlob(bytes));
    await act("small/one", () => one.putBlob(bytes));
    await act("small/one", async () => {
      async function* stream(): AsyncGenerator<Uint8Array> {
        yield bytes;
      }
      await one.putBlob(stream(), { digest: digestOf(bytes) });
    });
    expect((await house.usage("small/one")).bytes).toEqual({ used: 30 * KIB, limit: 100 * KIB });
    await store.repository("small/two").mountBlob(digestOf(bytes), "small/one");
    await store.repository("small/two").mountBlob(digestOf(bytes), "small/one");
    expect((await house.usage("small/two")).bytes.used).toBe(30 * KIB);
    await one.deleteBlob(digestOf(bytes));
    expect((await house.usage("small/one")).bytes.used).toBe(0);
  });

  it("does not let a mount pass it", async () => {
    bench = await openHouse({ config: { quotas } });
    const { store } = bench;
    const bytes = randomBytes(101 * KIB);
    await store.repository("large").putBlob(bytes);
    await expect(store.repository("small/one").mountBlob(digestOf(bytes), "large")).rejects.toMatchObject({
      code: "registry.quota-exceeded",
    });
    expect(await store.repository("small/one").blobSize(digestOf(bytes))).toBeUndefined();
  });

  it("is not overshot by uploads at the same time", async () => {
    bench = await openHouse({ config: { quotas } });
    const one = bench.store.repository("small/one");
    const uploads = Array.from({ length: 12 }, () => randomBytes(20 * KIB));
    async function* slowly(bytes: Buffer): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 4 * KIB) {
        await new Promise((resolve) => setImmediate(resolve));
        yield bytes.subarray(at, at + 4 * KIB);
      }
    }
    const results = await Promise.allSettled(uploads.map((bytes) => one.putBlob(slowly(bytes))));
    const stored = results.filter(({ status }) => status === "fulfilled").length;
    const used = (await one.blobs()).reduce((sum, { size }) => sum + size, 0);
    expect(used).toBe(stored * 20 * KIB);
    expect(used).toBeLessThanOrEqual(100 * KIB);
    expect((await bench.house.usage("small/one")).bytes.used).toBe(used);
    // What was refused holds no room: one of those that failed fits where one fits at all.
    await one.putBlob(randomBytes(100 * KIB - used));
    expect((await bench.house.usage("small/one")).bytes.used).toBe(100 * KIB);
  });

  it("bounds tags and manifests, and never what makes fewer", async () => {
    bench = await openHouse({ config: { quotas } });
    const { push, store } = bench;
    await push("small/one", "1", "a");
    const two = await push("small/one", "2", "b");
    await expect(push("small/one", "2", "c")).rejects.toMatchObject({ code: "registry.quota-exceeded" });
    await push("small/one", "3");
    await expect(push("small/one", "4")).rejects.toMatchObject({ code: "registry.quota-exceeded" });
    await push("small/one", "3", "b");
    await store.repository("small/one").deleteManifest(two);
    await push("small/one", "4");
    const { tags, manifests } = await bench.house.usage("small/one");
    expect([tags.used, manifests.used]).toEqual([2, 3]);
  });

  it("is counted anew after a crash", async () => {
    bench = await openHouse({ config: { quotas } });
    const { directory, clock, records } = bench;
    await bench.store.repository("small/one").putBlob(randomBytes(60 * KIB));
    await bench.crash();
    bench = await openHouse({ config: { quotas }, directory, clock, records });
    const again = bench.store.repository("small/one").putBlob(randomBytes(60 * KIB));
    await expect(again).rejects.toMatchObject({ code: "registry.quota-exceeded" });
  });

  it("tells of an excess once a minute", async () => {
    bench = await openHouse({ config: { quotas } });
    const { store, house, database, clock } = bench;
    const tooLarge = async (): Promise<void> => {
      await expect(store.repository("small/one").putBlob(randomBytes(200 * KIB))).rejects.toMatchObject({
        code: "registry.quota-exceeded",
      });
    };
    await tooLarge();
    await tooLarge();
    clock.advance(60_000);
    await tooLarge();
    await house.flush();
    expect((await database.registry.events({ type: "quota.exceeded" })).length).toBe(2);
  });

  it("holds what is there, through any interleaving of uploads, mounts and deletions", async () => {
    const step = fc.record({
      digest: fc.integer({ min: 0, max: 5 }).map((n) => digestOf(String(n))),
      upload: fc.integer({ min: 0, max: 3 }).map(String),
      size: fc.integer({ min: 0, max: 60 }),
      act: fc.constantFrom("receive", "commit", "cancel", "delete"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const ledger = new QuotaLedger([{ repository: "r", bytes: 100 }], () => undefined);
        await ledger.ready("r");
        const there = new Map<string, number>();
        const under = new Map<string, number>();
        const sum = (sizes: Iterable<number>): number => [...sizes].reduce((all, one) => all + one, 0);
        const wrong: object[] = [];
        for (const { digest, upload, size, act } of steps) {
          if (act === "receive") {
            const grown = Math.max(under.get(upload) ?? 0, size);
            const others = sum(under.values()) - (under.get(upload) ?? 0);
            const fits = sum(there.values()) + others + grown <= 100 || grown === (under.get(upload) ?? 0);
            let isTaken = true;
            try {
              ledger.reserve("r", upload, grown);
            } catch {
              isTaken = false;
            }
            if (isTaken !== fits) wrong.push({ act, size, isTaken });
            if (isTaken) under.set(upload, grown);
          } else if (act === "commit") {
            // Content has one length.
            const length = there.get(digest) ?? under.get(upload) ?? 0;
            if (there.has(digest) || under.has(upload)) {
              ledger.stored("r", digest, length);
              there.set(digest, length);
            }
            ledger.ended("r", upload);
            under.delete(upload);
          } else if (act === "cancel") {
            ledger.ended("r", upload);
            under.delete(upload);
          } else {
            ledger.released("r", digest);
            there.delete(digest);
          }
          expect(wrong).toEqual([]);
          expect(sum(there.values())).toBeLessThanOrEqual(100);
          expect((await ledger.usage("r")).bytes.used).toBe(sum(there.values()));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("a push over the quota", () => {
  async function start(): Promise<TestRegistry> {
    bench = await openHouse({ config: { quotas } });
    const { house, acts } = bench;
    registry = await startRegistry({ observer: house.observer, acts, reserve: house.reserve });
    bench.house.quotas.watch(registry.store);
    return registry;
  }

  it("is refused with what is used and what is the limit", async () => {
    const { call } = await start();
    const body = randomBytes(101 * KIB);
    const answer = await call("POST", `/v2/small/one/blobs/uploads/?digest=${digestOf(body)}`, { body });
    expect([answer.status, codeOf(answer)]).toEqual([403, "DENIED"]);
    expect(JSON.parse(answer.text).errors[0].detail).toMatchObject({ used: 0, limit: 100 * KIB, what: "bytes" });
  });

  it("is refused before the body is read when its length is announced", async () => {
    const { port } = await start();
    const status = await new Promise((resolve, reject) => {
      const headers = { "X-Test-As": "owner", "Content-Length": String(2 ** 30) };
      const path = `/v2/small/one/blobs/uploads/?digest=${digestOf("x")}`;
      const outgoing = request({ port, method: "POST", path, headers }, (incoming) => {
        resolve(incoming.statusCode);
        outgoing.destroy();
      });
      outgoing.on("error", reject);
      // Not one byte of the body is sent.
      outgoing.flushHeaders();
    });
    expect(status).toBe(403);
  });

  it("may send again what is there, when it says what it sends", async () => {
    const { call } = await start();
    const body = randomBytes(80 * KIB);
    const path = `/v2/small/one/blobs/uploads/`;
    const whole = `${path}?digest=${digestOf(body)}`;
    expect((await call("POST", whole, { body })).status).toBe(201);
    expect((await call("POST", whole, { body })).status).toBe(201);
    const begun = String((await call("POST", path)).headers["location"]);
    expect((await call("PUT", `${begun}?digest=${digestOf(body)}`, { body })).status).toBe(201);
    // Other bytes under that name are not taken, and hold no room.
    const lie = await call("POST", whole, { body: randomBytes(80 * KIB) });
    expect([lie.status, codeOf(lie)]).toEqual([400, "DIGEST_INVALID"]);
    expect((await bench!.house.usage("small/one")).bytes.used).toBe(80 * KIB);
    const fits = randomBytes(20 * KIB);
    expect((await call("POST", `${path}?digest=${digestOf(fits)}`, { body: fits })).status).toBe(201);
  });

  it("holds no room for what was announced and never came", async () => {
    const { call, port } = await start();
    const path = `/v2/small/one/blobs/uploads/`;
    const begun = String((await call("POST", path)).headers["location"]);
    await new Promise<void>((resolve) => {
      const headers = { "X-Test-As": "owner", "Content-Length": String(90 * KIB) };
      const outgoing = request({ port, method: "PATCH", path: begun, headers });
      outgoing.on("error", () => resolve());
      outgoing.write(randomBytes(10 * KIB), () => outgoing.destroy());
    });
    const fits = randomBytes(80 * KIB);
    const push = async (): Promise<number> =>
      (await call("POST", `${path}?digest=${digestOf(fits)}`, { body: fits })).status;
    await expect.poll(push).toBe(201);
  });

  it("is refused at its end when it began before a restart", async () => {
    const { call, store } = await start();
    const [body, other] = [randomBytes(80 * KIB), randomBytes(80 * KIB)];
    const path = `/v2/small/one/blobs/uploads/`;
    const begun = String((await call("POST", path)).headers["location"]);
    const sent = await call("PATCH", begun, { body });
    expect(sent.status).toBe(202);
    // What a restart forgets.
    bench!.house.observer.ended("small/one", begun.split("/").at(-1)!);
    expect((await call("POST", `${path}?digest=${digestOf(other)}`, { body: other })).status).toBe(201);
    const closed = await call("PUT", `${begun}?digest=${digestOf(body)}`);
    expect([closed.status, codeOf(closed)]).toEqual([403, "DENIED"]);
    expect(await store.repository("small/one").blobSize(digestOf(body))).toBeUndefined();
  });

  it("is refused while it streams when its length is not announced, and leaves nothing", async () => {
    const { call, store } = await start();
    const body = randomBytes(300 * KIB);
    const headers = { "Transfer-Encoding": "chunked" };
    const answer = await call("POST", `/v2/small/one/blobs/uploads/?digest=${digestOf(body)}`, { body, headers });
    expect([answer.status, codeOf(answer)]).toEqual([403, "DENIED"]);
    expect(await store.repository("small/one").blobs()).toEqual([]);
    const fits = randomBytes(99 * KIB);
    expect((await call("POST", `/v2/small/one/blobs/uploads/?digest=${digestOf(fits)}`, { body: fits })).status).toBe(
      201,
    );
  });
});
