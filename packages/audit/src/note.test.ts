// Signed notes, and the key behind them.
import { generateKeyPairSync, verify } from "node:crypto";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLogKey } from "./log-key.ts";
import { checkpointBody, openCheckpoint, parseVkey, signNote } from "./note.ts";

let directory = "";
let file = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-note-"));
  file = join(directory, "keys/log.pem");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("openLogKey", () => {
  it("makes a private file, and gives the same key again", async () => {
    const key = await openLogKey(file, "pratique.local/log");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await openLogKey(file, "pratique.local/log")).vkey).toBe(key.vkey);
    expect(parseVkey(key.vkey)).toMatchObject({ name: "pratique.local/log", keyId: key.keyId });
  });

  it("refuses a key that others can read, another kind of key, and no key", async () => {
    await openLogKey(file, "a");
    await chmod(file, 0o644);
    await expect(openLogKey(file, "a")).rejects.toMatchObject({ code: "audit.bad-key" });
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (const text of [privateKey.export({ format: "pem", type: "pkcs8" }), "", "no key"]) {
      await writeFile(file, text);
      await chmod(file, 0o600);
      await expect(openLogKey(file, "a")).rejects.toMatchObject({ code: "audit.bad-key" });
    }
  });

  it("refuses a name that a note cannot hold", async () => {
    for (const name of ["", "a b", "a+b", "a\nb"]) {
      await expect(openLogKey(file, name)).rejects.toMatchObject({ code: "audit.bad-name" });
    }
  });
});

describe("openCheckpoint", () => {
  it("opens what was signed, beside signatures of others", async () => {
    const key = await openLogKey(file, "pratique.local/log");
    const note = signNote(checkpointBody(key.name, 7, Buffer.alloc(32, 1)), key);
    const expected = { origin: key.name, size: 7, rootHash: Buffer.alloc(32, 1).toString("base64") };
    expect(openCheckpoint(note, parseVkey(key.vkey))).toMatchObject(expected);
    expect(openCheckpoint(`${note}— witness.example AAAA\n`, parseVkey(key.vkey))).toMatchObject(expected);
  });

  it("refuses every other text", async () => {
    const key = await openLogKey(file, "pratique.local/log");
    const verifier = parseVkey(key.vkey);
    const note = signNote(checkpointBody(key.name, 7, Buffer.alloc(32, 1)), key);
    const signed = (body: string) => signNote(body, key);
    const root = Buffer.alloc(32).toString("base64");
    for (const text of [
      "",
      note.slice(0, -1),
      note.replace("\n7\n", "\n8\n"),
      note.replace("pratique.local/log\n", "other/log\n"),
      note.slice(0, note.indexOf("—")),
      signed(checkpointBody("other/log", 7, Buffer.alloc(32))),
      signed(`${key.name}\n-1\n${root}\n`),
      signed(`${key.name}\n07\n${root}\n`),
      signed(`${key.name}\n9007199254740993\n${root}\n`),
      signed(`${key.name}\n7\nAAAA\n`),
      "x".repeat(100_000),
    ]) {
      expect(() => openCheckpoint(text, verifier)).toThrow(expect.objectContaining({ code: "audit.bad-note" }));
    }
  });

  it("reads the key and the signature that the Go implementation documents", () => {
    const { keyId, publicKey } = parseVkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const signature = Buffer.from(
      "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
      "base64",
    );
    expect(signature.subarray(0, 4)).toEqual(keyId);
    expect(verify(null, Buffer.from(text), publicKey, signature.subarray(4))).toBe(true);
  });

  it("refuses a key that is none", async () => {
    const { vkey } = await openLogKey(file, "a");
    for (const text of ["", "a", "a+b+c", vkey.slice(0, -4), vkey.replace("a+", "b+"), `${vkey}AAAA`]) {
      expect(() => parseVkey(text)).toThrow(expect.objectContaining({ code: "audit.bad-note" }));
    }
  });
});
