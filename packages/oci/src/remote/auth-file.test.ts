// Credentials of other tools' login files.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { credentialsFromFiles } from "./auth-file.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-auth-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const auth = Buffer.from("olga:pass:word").toString("base64");

async function file(name: string, json: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof json === "string" ? json : JSON.stringify(json));
  return path;
}

it("finds a registry's own, in the first file that has some", async () => {
  const broken = await file("broken", "{");
  const other = await file("other", { auths: { "ghcr.io": {} }, credHelpers: { "ghcr.io": "x" } });
  const good = await file("good", {
    auths: { "ghcr.io": { auth }, "https://index.docker.io/v1/": { identitytoken: "t" } },
  });
  const paths = [join(directory, "missing"), broken, other, good];
  expect(await credentialsFromFiles(paths, "ghcr.io")).toEqual({ username: "olga", password: "pass:word" });
  expect(await credentialsFromFiles(paths, "docker.io")).toEqual({ identityToken: "t" });
});

it("gives nobody another registry's", async () => {
  const path = await file("one", { auths: { "ghcr.io": { auth }, __proto__: { auth } } });
  expect(await credentialsFromFiles([path], "ghcr.io.evil.example")).toBeUndefined();
  expect(await credentialsFromFiles([path], "__proto__")).toBeUndefined();
});
