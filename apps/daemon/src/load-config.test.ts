import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadConfig } from "./load-config.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "prq-config-"))));
afterAll(() => rm(directory, { recursive: true, force: true }));

async function load(text: string | undefined, environment: Record<string, string> = {}, listen?: string) {
  const file = join(directory, "pratique.yaml");
  await rm(file, { force: true });
  if (text !== undefined) await writeFile(file, text);
  return await loadConfig(file, environment, listen);
}

it("has a default for everything", async () => {
  expect(await load(undefined)).toMatchObject({
    listen: "127.0.0.1:7340",
    log: { level: "info" },
    container: { enabled: true },
  });
});

it("lets the environment override the file, and the command line both", async () => {
  const text = "listen: 127.0.0.1:1\nlog: { level: warn }\n";
  expect((await load(text)).listen).toBe("127.0.0.1:1");
  expect((await load(text, { PRATIQUE_LISTEN: "127.0.0.1:2" })).listen).toBe("127.0.0.1:2");
  expect((await load(text, { PRATIQUE_LISTEN: "127.0.0.1:2" }, "127.0.0.1:3")).listen).toBe("127.0.0.1:3");
  expect((await load(text, { PRATIQUE_LOG_LEVEL: "debug" })).log.level).toBe("debug");
});

it.each([
  ["lissten: x", "lissten"],
  ["log: { levl: info }", "log.levl"],
  ["log: { level: loud }", "log.level"],
  ["- a list", "mapping"],
  ["listen: [", "line 1"],
  ["registry: { quotas: [{ repository: a, bytes: lots }] }", "quotas.0.bytes: write a size"],
  ['registry: { immutableTags: [{ repository: "[(", tags: semver }] }', "immutableTags.0.repository: write names"],
  ['registry: { immutableTags: [{ repository: "**", tags: "(*" }] }', "immutableTags.0.tags: write names"],
])("refuses %j and says where", async (text, where) => {
  await expect(load(text)).rejects.toMatchObject({
    code: "config.invalid",
    message: expect.stringContaining(where) as string,
  });
});
