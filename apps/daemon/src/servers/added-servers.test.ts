// Servers that were added are there again.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AddedServers } from "./added-servers.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-added-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it("keeps what was added, over a restart, until it is removed", async () => {
  const file = join(directory, "servers.json");
  const added = await AddedServers.open(file);
  await Promise.all([added.add("a", { reference: "x/y:1" }), added.add("b", { url: "http://localhost:1/mcp" })]);
  await added.remove("b");
  const again = await AddedServers.open(file);
  expect(again.all()).toMatchObject([{ name: "a", server: { reference: "x/y:1", network: [] } }]);
  expect([again.has("a"), again.has("b")]).toEqual([true, false]);
});

it("says which it cannot read, and keeps the others", async () => {
  const file = join(directory, "servers.json");
  await writeFile(file, JSON.stringify({ version: 1, servers: { odd: { what: 1 }, a: { reference: "x" } } }));
  expect((await AddedServers.open(file)).all()).toMatchObject([{ name: "odd", server: undefined }, { name: "a" }]);
});

it("does not start over a file that is damaged", async () => {
  const file = join(directory, "servers.json");
  await writeFile(file, "{");
  await expect(AddedServers.open(file)).rejects.toMatchObject({ code: "server.file-damaged" });
});
