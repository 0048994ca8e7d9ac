// Sealed secrets in the database, and who may replace them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDatabase, type Database } from "./database.ts";
import type { SecretRow } from "./secret-rows.ts";

let directory: string;
let database: Database;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-secrets-"));
  database = await openDatabase({ file: join(directory, "pratique.db") });
});
afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

const row: SecretRow = {
  owner: "",
  name: "token",
  kind: "secret",
  version: 1,
  keyId: "file:a",
  wrappedKey: "w1",
  sealed: "s1",
  facts: "{}",
  createdAt: "2026-01-01T00:00:00Z",
  updatedAt: "2026-01-01T00:00:00Z",
};

it("keeps a shared secret and a user's of one name apart", async () => {
  expect(await database.secrets.insert(row)).toBe(true);
  expect(await database.secrets.insert({ ...row, owner: "ada" })).toBe(true);
  expect(await database.secrets.insert(row)).toBe(false);
  expect((await database.secrets.list("secret")).map(({ owner }) => owner)).toEqual(["", "ada"]);
});

it("replaces only the version that is named", async () => {
  await database.secrets.insert(row);
  expect(await database.secrets.replace({ ...row, version: 2, sealed: "s2" }, 1)).toBe(true);
  expect(await database.secrets.replace({ ...row, version: 2, sealed: "s3" }, 1)).toBe(false);
  expect((await database.secrets.get(row))?.sealed).toBe("s2");
});

it("wraps anew only what is still as it was read", async () => {
  await database.secrets.insert(row);
  const to = { keyId: "file:b", wrappedKey: "w2" };
  expect(await database.secrets.rewrap(row, to)).toBe(true);
  expect(await database.secrets.rewrap(row, to)).toBe(false);
  expect(await database.secrets.countByKey()).toEqual([{ keyId: "file:b", count: 1 }]);
});

it("gives a lease to one holder until it is over", async () => {
  const { leases } = database;
  expect(await leases.take("k", "a", 0, 100)).toBe(true);
  expect(await leases.take("k", "b", 50, 150)).toBe(false);
  expect(await leases.take("k", "b", 100, 200)).toBe(true);
  await leases.release("k", "a");
  expect(await leases.take("k", "a", 150, 250)).toBe(false);
  await leases.release("k", "b");
  expect(await leases.take("k", "a", 150, 250)).toBe(true);
});
