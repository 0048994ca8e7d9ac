// The store of secrets: what comes out of it, to whom, and what never does.
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { boundTo, seal, unseal } from "./seal.ts";
import { ada, adasAgent, grace, memoryKeyring, noKeyring, secretHouse, type SecretHouse } from "./secrets.fixture.ts";
import type { SecretStore } from "./secret-store.ts";

const VALUE = "correct-horse-battery-staple";
let house: SecretHouse;
let store: SecretStore;
beforeEach(async () => {
  house = await secretHouse();
  store = await house.open();
});
afterEach(() => house.close());

const set = (name: string, owner = "", value = VALUE) => store.set({ owner, name }, Buffer.from(value));

describe("a secret", () => {
  it("comes out as it went in, and shows itself nowhere else", async () => {
    await set("github-token");
    const secret = await store.get("github-token", undefined);
    expect(secret?.reveal()).toBe(VALUE);
    expect(`${secret} ${JSON.stringify({ secret })} ${inspect({ secret }, { depth: 9 })}`).not.toContain(VALUE);
    expect(JSON.stringify(await store.list())).not.toContain(VALUE);
    secret?.dispose();
    expect(secret?.reveal()).toBe("\0".repeat(VALUE.length));
  });

  it("is shared, or one person's and of whoever acts for him, and never the one for the other", async () => {
    await set("token");
    await set("token", "ada", "adas-own-value");
    expect((await store.get("token", undefined))?.reveal()).toBe(VALUE);
    expect((await store.get("token", ada))?.reveal()).toBe("adas-own-value");
    expect((await store.get("token", adasAgent))?.reveal()).toBe("adas-own-value");
    expect(await store.get("token", grace)).toBeUndefined();
  });

  it("is not what the platform keeps for itself", async () => {
    await store.keep({ owner: "", name: "logins/github", kind: "login" }, Buffer.from("a refresh token"));
    expect(await store.get("logins/github", undefined)).toBeUndefined();
  });

  it("has a version that grows, and is replaced only where the version is right", async () => {
    expect((await set("token")).version).toBe(1);
    expect((await set("token")).version).toBe(2);
    const kept = { owner: "", name: "token", kind: "secret" };
    await expect(store.keep({ ...kept, expected: 1 }, Buffer.from("late"))).rejects.toMatchObject({
      code: "secret.conflict",
    });
    expect((await store.keep({ ...kept, expected: 2 }, Buffer.from("in time"))).version).toBe(3);
  });

  it("is kept by each of many who set it at once, one after the other", async () => {
    const other = await house.open();
    await Promise.all([set("token"), other.set({ owner: "", name: "token" }, Buffer.from(VALUE)), set("token")]);
    expect((await store.open({ owner: "", name: "token" }))?.entry.version).toBe(3);
  });

  it("has a name that means one thing as a path elsewhere", async () => {
    const names = ["", "../x", "a/../b", "a//b", "a/", "-x", "x y", "x\n", ".hidden", "oauth:x", "x".repeat(201)];
    for (const name of names) await expect(set(name)).rejects.toMatchObject({ code: "secret.bad-name" });
  });

  it("is no value that would not come out as it went in", async () => {
    for (const value of [Buffer.alloc(0), Buffer.from("a\0b"), Buffer.from([0xff, 0xfe]), Buffer.alloc(65_537, 97)])
      await expect(store.set({ owner: "", name: "x" }, value)).rejects.toMatchObject({ code: "secret.bad-value" });
  });

  it("overwrites the buffer that it was given in", async () => {
    const value = Buffer.from(VALUE);
    await store.set({ owner: "", name: "x" }, value);
    expect(value.equals(Buffer.alloc(VALUE.length))).toBe(true);
  });
});

describe("what lies in the database", () => {
  it("holds neither the value nor the key", async () => {
    await set("token");
    const row = await house.database.secrets.get({ owner: "", name: "token" });
    const ring = await readFile(join(house.home, "keys", "secrets.json"), "utf8");
    const key = Object.values<{ key: string }>(JSON.parse(ring).keys)[0]?.key ?? "";
    expect(JSON.stringify(row)).not.toContain(VALUE);
    expect(JSON.stringify(row)).not.toContain(key);
    expect((await stat(join(house.home, "keys", "secrets.json"))).mode & 0o777).toBe(0o600);
  });

  it("does not open under another name, for another owner, or as another version", async () => {
    await set("token");
    const row = await house.database.secrets.get({ owner: "", name: "token" });
    if (row === undefined) throw new Error("it is not there");
    await house.database.secrets.insert({ ...row, name: "other" });
    await house.database.secrets.insert({ ...row, owner: "ada" });
    await house.database.secrets.replace({ ...row, version: 7 }, 1);
    for (const key of [
      { owner: "", name: "other" },
      { owner: "ada", name: "token" },
      { owner: "", name: "token" },
    ])
      await expect(store.open(key)).rejects.toMatchObject({ code: "secret.unreadable" });
  });

  it("opens only unchanged, bit by bit", () => {
    const key = Buffer.alloc(32, 7);
    const bound = boundTo("a", "b", 1);
    const sealed = seal(key, Buffer.from(VALUE), bound, (size) => Buffer.alloc(size, 1));
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const changed = Buffer.from(sealed);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(unseal(key, changed, bound)).toBeUndefined();
      }),
    );
  });

  it("is bound to names that cannot be taken for one another", () => {
    const part = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        fc.pre(a !== c || b !== d);
        expect(boundTo(a, b, 1).equals(boundTo(c, d, 1))).toBe(false);
      }),
    );
  });
});

describe("rotation", () => {
  it("wraps every data key anew, and gives up keys that nothing lies under", async () => {
    await set("one");
    await set("two", "ada");
    const first = (await store.list())[0]?.keyId;
    const { keyId, moved, left } = await store.rotate();
    expect([moved, left]).toEqual([2, 0]);
    expect(keyId).not.toBe(first);
    expect(await house.database.secrets.countByKey()).toEqual([{ keyId, count: 2 }]);
    expect((await (await house.open()).get("two", ada))?.reveal()).toBe(VALUE);
    await store.rotate();
    const ring = JSON.parse(await readFile(join(house.home, "keys", "secrets.json"), "utf8"));
    expect(Object.keys(ring.keys)).toHaveLength(2);
    expect(`file:${Object.keys(ring.keys)}`).not.toContain(first?.slice(5));
  });

  it("is followed by another daemon that knew only the key before", async () => {
    await set("token");
    const other = await house.open();
    expect((await other.get("token", undefined))?.reveal()).toBe(VALUE);
    await store.rotate();
    expect((await other.get("token", undefined))?.reveal()).toBe(VALUE);
    await other.set({ owner: "", name: "late" }, Buffer.from(VALUE));
    await store.rotate();
    expect((await store.get("late", undefined))?.reveal()).toBe(VALUE);
  });

  it("moves secrets from a former back end, and leaves alone what cannot be opened", async () => {
    await set("token");
    await set("broken");
    const row = await house.database.secrets.get({ owner: "", name: "broken" });
    if (row === undefined) throw new Error("it is not there");
    await house.database.secrets.replace({ ...row, wrappedKey: "AAAA" }, 1);
    const entries = new Map<string, string>();
    const keyring = memoryKeyring(entries);
    const moved = await house.open({ keys: { type: "keyring" }, formerKeys: [{ type: "file" }] }, keyring);
    expect(await moved.keys()).toMatchObject({ type: "keyring", under: 0, elsewhere: 2 });
    expect(await moved.rotate()).toMatchObject({ moved: 1, left: 1 });
    const after = await house.open({ keys: { type: "keyring" } }, keyring);
    expect((await after.get("token", undefined))?.reveal()).toBe(VALUE);
    expect([...entries.keys()]).toHaveLength(1);
  });
});

describe("the keys of a laptop", () => {
  it("go into the keyring when there is one, and stay there", async () => {
    const entries = new Map<string, string>();
    const first = await house.open({}, memoryKeyring(entries));
    await first.set({ owner: "", name: "token" }, Buffer.from(VALUE));
    expect(await first.keys()).toMatchObject({ type: "keyring", under: 1, elsewhere: 0 });
    await expect(stat(join(house.home, "keys", "secrets.json"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await (await house.open({}, noKeyring)).keys()).toMatchObject({ type: "keyring", under: 1, elsewhere: 0 });
    const locked = await house.open({}, noKeyring);
    await expect(locked.get("token", undefined)).rejects.toMatchObject({ code: "secrets.keys-unreachable" });
    await expect(locked.set({ owner: "", name: "other" }, Buffer.from(VALUE))).rejects.toMatchObject({
      code: "secrets.keys-unreachable",
    });
  });

  it("stay in the file that they were first put into, when a keyring comes later", async () => {
    await set("token");
    const later = await house.open({}, memoryKeyring(new Map()));
    await later.set({ owner: "", name: "other" }, Buffer.from(VALUE));
    expect(await later.keys()).toMatchObject({ type: "file", under: 2, elsewhere: 0 });
  });

  it("are refused when others may read them, or when they are none", async () => {
    await set("token");
    const path = join(house.home, "keys", "secrets.json");
    await chmod(path, 0o644);
    await expect((await house.open()).get("token", undefined)).rejects.toMatchObject({ code: "secrets.keys-unusable" });
    await chmod(path, 0o600);
    await writeFile(path, '{"version":1,"current":"x","keys":{"s3cret');
    const error: unknown = await (await house.open()).get("token", undefined).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "secrets.keys-unusable" });
    expect(inspect(error)).not.toContain("s3cret");
  });

  it("are missed by name when the file is another", async () => {
    await set("token");
    const other = await house.open({ keys: { type: "file", path: "elsewhere.json" } });
    await expect(other.get("token", undefined)).rejects.toMatchObject({ code: "secrets.key-missing" });
  });
});

describe("keys with a passphrase", () => {
  const config = { keys: { type: "passphrase" as const, passphraseFile: "passphrase" } };

  it("open with it, and with no other", async () => {
    const file = join(house.home, "passphrase");
    await writeFile(file, "a long passphrase\n", { mode: 0o600 });
    await (await house.open(config)).set({ owner: "", name: "token" }, Buffer.from(VALUE));
    expect(await readFile(join(house.home, "keys", "secrets.sealed.json"), "utf8")).not.toContain('"current"');
    expect((await (await house.open(config)).get("token", undefined))?.reveal()).toBe(VALUE);
    await writeFile(file, "another passphrase");
    await expect((await house.open(config)).get("token", undefined)).rejects.toMatchObject({
      code: "secrets.keys-unusable",
    });
    await writeFile(file, "short");
    await expect((await house.open(config)).get("token", undefined)).rejects.toMatchObject({
      code: "secrets.keys-unusable",
    });
  });
});

describe("what the secret guard is told", () => {
  it("follows what is set, used and removed", async () => {
    const { known } = store;
    const before = known.generation;
    await set("token");
    expect([...known.entries()]).toEqual([{ name: "token", value: VALUE }]);
    await set("token", "", "another-long-value");
    expect([...known.entries()]).toEqual([{ name: "token", value: "another-long-value" }]);
    await set("pin", "", "1234");
    expect(known.generation).toBe(before + 2);
    expect(JSON.stringify(known)).not.toContain("another");
    await store.remove({ owner: "", name: "token" });
    expect([...known.entries()]).toEqual([]);
  });

  it("is all of the store once that was read", async () => {
    await set("token");
    await set("token", "ada", "adas-own-value");
    const other = await house.open();
    await other.learnAll();
    expect([...other.known.entries()].map(({ value }) => value).toSorted()).toEqual(["adas-own-value", VALUE]);
  });
});
