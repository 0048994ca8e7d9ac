// Files to registries that break and forget.
import { digestOf } from "@pratique/core";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FakeRegistry } from "../../../../test/fakes/registry-fake.ts";
import type { FileSource } from "../repository.ts";
import { remoteRepository } from "./remote-repository.ts";

const content = randomBytes(3_000_001);
const digest = digestOf(content);
const size = content.length;
let directory: string;
let registry: FakeRegistry;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-upload-"));
  await writeFile(join(directory, "file"), content);
  registry = await FakeRegistry.start();
});
afterEach(async () => {
  await registry.close();
  await rm(directory, { recursive: true, force: true });
});

function put(more: Partial<FileSource> = {}) {
  const retry = { sleep: async () => undefined };
  const repository = remoteRepository({ registry: registry.host, repository: "models/tiny" }, { retry });
  return repository.putFile!({ sizeBytes: size, open: () => open(join(directory, "file"), "r"), ...more });
}

const there = () => registry.repository("models/tiny").blobs.get(digest)?.equals(content);

it("sends a file in one request and names its digest afterwards", async () => {
  expect(await put()).toEqual({ digest, size });
  expect(there()).toBe(true);
  expect(registry.requests.map(({ method }) => method)).toEqual(["POST", "PATCH", "PUT"]);
});

it("goes on where the registry says it stands, whether or not it had what broke off", async () => {
  registry.fail("PATCH", /uploads/, { type: "reset" });
  registry.fail("PATCH", /uploads/, { type: "reset", after: true });
  expect(await put()).toEqual({ digest, size });
  expect(there()).toBe(true);
});

it("begins again when the registry forgot the upload", async () => {
  registry.fail("PATCH", /uploads/, { type: "reset" });
  registry.fail("GET", /uploads/, { type: "status", status: 404 });
  expect(await put()).toEqual({ digest, size });
  expect(there()).toBe(true);
});

it("gives up on a registry that never takes it, and cancels", async () => {
  registry.fail("PATCH", /uploads/, { type: "status", status: 503 }, 99);
  await expect(put()).rejects.toMatchObject({ code: "registry.failed" });
  expect(registry.requests.at(-1)?.method).toBe("DELETE");
});

it("commits nothing that is not what it was said to be", async () => {
  await expect(put({ digest: digestOf("other") })).rejects.toMatchObject({ code: "digest.mismatch" });
  await expect(put({ sizeBytes: size + 1 })).rejects.toMatchObject({ code: "size.mismatch" });
  expect(registry.repository("models/tiny").blobs.size).toBe(0);
});
