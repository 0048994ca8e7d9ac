import { chmod, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bucketCredentials } from "./bucket-credentials.ts";

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-keys-"));
  file = join(directory, "keys.yaml");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const write = (text: string): Promise<void> => writeFile(file, text, { mode: 0o600 });

it("reads keys from a private file, and again when it changes", async () => {
  await write("accessKeyId: one\nsecretAccessKey: s1\n");
  const credentials = await bucketCredentials(file, { AWS_ACCESS_KEY_ID: "other", AWS_SECRET_ACCESS_KEY: "other" });
  expect(await credentials()).toEqual({ accessKeyId: "one", secretAccessKey: "s1" });
  await write("accessKeyId: two\nsecretAccessKey: s2\nsessionToken: t\n");
  await utimes(file, 1, 1);
  expect(await credentials()).toEqual({ accessKeyId: "two", secretAccessKey: "s2", sessionToken: "t" });
  await rm(file);
  expect((await credentials()).accessKeyId).toBe("two");
});

it("reads keys from the environment, and says when there are none", async () => {
  const credentials = await bucketCredentials(undefined, { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" });
  expect(await credentials()).toEqual({ accessKeyId: "a", secretAccessKey: "b" });
  await expect(bucketCredentials(undefined, {})).rejects.toMatchObject({ code: "storage.keys-missing" });
  await expect(bucketCredentials(file, {})).rejects.toMatchObject({ code: "storage.keys-missing" });
});

it("refuses a file that others can read", async () => {
  await write("accessKeyId: one\nsecretAccessKey: s1\n");
  await chmod(file, 0o640);
  await expect(bucketCredentials(file, {})).rejects.toMatchObject({ code: "storage.keys-exposed" });
});

it("quotes nothing of a file that it cannot read", async () => {
  for (const text of [
    "accessKeyId: x\nsecretAccessKey: [hunter2\n",
    "hunter2",
    "accessKeyId: hunter2\nextra: hunter2",
  ]) {
    await write(text);
    const error: unknown = await bucketCredentials(file, {}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "storage.keys-missing" });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error)).not.toContain("hunter2");
  }
});
