// Identities of a real data directory.
import * as fc from "fast-check";
import { chmod, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manualClock, redactText } from "@pratique/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openIdentity, type Identity } from "./identity.ts";
import { spiffeId } from "./spiffe-id.ts";
import { tokenOf } from "./token.ts";

const clock = manualClock();
let home = "";
beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), "pratique-identity-")), "home");
});
afterEach(() => rm(join(home, ".."), { recursive: true, force: true }));

const opened = () => openIdentity({ home, clock, owner: { name: "ada" } });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString("base64")}` });
const workload = (identity: Identity, change: Partial<Parameters<Identity["issueWorkload"]>[0]> = {}) =>
  identity.issueWorkload({ path: "run/1/agent/root", actingFor: identity.owner, run: "1", ttlMs: 1000, ...change });

describe("the owner", () => {
  it("is known by the token in a private file", async () => {
    const identity = await opened();
    expect(identity.owner).toMatchObject({ type: "User", name: "ada", groups: ["owner"] });
    expect(identity.ownerToken()).toMatch(/^prq_[A-Za-z0-9_-]{43}$/);
    expect((await stat(identity.ownerTokenFile)).mode & 0o777).toBe(0o600);
    expect((await readFile(identity.ownerTokenFile, "utf8")).trim()).toBe(identity.ownerToken());
    expect(identity.authenticate(bearer(identity.ownerToken()))).toEqual(identity.owner);
    expect(identity.authenticate(basic(`anything:${identity.ownerToken()}`))).toEqual(identity.owner);
  });

  it("is the same person with the same token after a restart", async () => {
    const first = await opened();
    const second = await opened();
    expect([second.owner.id, second.ownerToken()]).toEqual([first.owner.id, first.ownerToken()]);
  });

  it("gets a new token, and stays the same person, when the token file is deleted", async () => {
    const first = await opened();
    await rm(first.ownerTokenFile);
    const second = await opened();
    expect(second.owner.id).toBe(first.owner.id);
    expect(second.authenticate(bearer(first.ownerToken()))).toBeUndefined();
  });

  it("has a token that the redactor knows", async () => {
    const identity = await opened();
    const { token } = workload(identity);
    const text = redactText(`${identity.ownerToken()} ${token}`);
    expect([text.includes(identity.ownerToken()), text.includes(token)]).toEqual([false, false]);
  });

  it("stops the start when others can read the token, or it is a link", async () => {
    const { ownerTokenFile } = await opened();
    await chmod(ownerTokenFile, 0o640);
    await expect(opened()).rejects.toMatchObject({ code: "identity.token-exposed" });
    await chmod(ownerTokenFile, 0o600);
    await rename(ownerTokenFile, join(home, "elsewhere"));
    await symlink("elsewhere", ownerTokenFile);
    await expect(opened()).rejects.toMatchObject({ code: "identity.token-exposed" });
  });

  it("stops the start when a file holds something else", async () => {
    const { ownerTokenFile } = await opened();
    await writeFile(ownerTokenFile, "");
    await expect(opened()).rejects.toMatchObject({ code: "identity.token-malformed" });
    await writeFile(join(home, "owner"), "somebody");
    await expect(opened()).rejects.toMatchObject({ code: "identity.owner-malformed" });
  });
});

describe("authenticate", () => {
  it("knows nobody without a token that it made", async () => {
    const identity = await opened();
    const token = identity.ownerToken();
    const headers = [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Digest ${token}`,
      token,
      `Bearer ${token} ${token}`,
      `Basic ${token}`,
      `Basic ${Buffer.from(token).toString("base64")}`,
      `Basic ${Buffer.from(`${token}:`).toString("base64")}`,
      `Bearer ${"x".repeat(10_000)}`,
    ];
    for (const authorization of headers) expect(identity.authenticate({ authorization })).toBeUndefined();
  });

  it("takes whatever a header holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(typeof tokenOf(`Basic ${text}`)).toMatch(/string|undefined/);
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), (user, secret) => {
        const name = user.replaceAll(":", "");
        expect(tokenOf(basic(`${name}:${secret}`).authorization)).toBe(secret);
      }),
    );
  });
});

describe("workloads", () => {
  it("act for their user, in the groups given, under a SPIFFE ID", async () => {
    const identity = await opened();
    const { principal, token } = workload(identity, { groups: ["agents"], artifact: "sha256:1" });
    expect(principal).toEqual({
      type: "Workload",
      id: "spiffe://pratique.local/run/1/agent/root",
      groups: ["agents"],
      actingFor: identity.owner,
      run: "1",
      artifact: "sha256:1",
    });
    expect(token).toMatch(/^prq_w_[A-Za-z0-9_-]{43}$/);
    expect(identity.authenticate(bearer(token))).toEqual(principal);
  });

  it("end with their time, with their run, and with the daemon", async () => {
    const identity = await opened();
    const short = workload(identity);
    const long = workload(identity, { ttlMs: 5000 });
    const other = workload(identity, { run: "2", ttlMs: 5000 });
    clock.advance(1000);
    expect(identity.authenticate(bearer(short.token))).toBeUndefined();
    expect(identity.authenticate(bearer(long.token))).toEqual(long.principal);
    identity.revokeRun("1");
    expect(identity.authenticate(bearer(long.token))).toBeUndefined();
    expect(identity.authenticate(bearer(other.token))).toEqual(other.principal);
    expect((await opened()).authenticate(bearer(other.token))).toBeUndefined();
  });

  it("cannot claim the owner's group, nor live without end", async () => {
    const identity = await opened();
    expect(() => workload(identity, { groups: ["owner"] })).toThrow(
      expect.objectContaining({ code: "identity.reserved-group" }),
    );
    for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => workload(identity, { ttlMs })).toThrow(expect.objectContaining({ code: "identity.bad-workload" }));
    }
  });

  it("cannot be named by a path that SPIFFE does not allow", () => {
    for (const path of ["", "/a", "a/", "a//b", ".", "a/../b", "a b", "a%2fb", "ä", "a?b", "x".repeat(3000)]) {
      expect(() => spiffeId("pratique.local", path)).toThrow(
        expect.objectContaining({ code: "identity.bad-workload" }),
      );
    }
    expect(spiffeId("pratique.local", "run/1.2_3-4")).toBe("spiffe://pratique.local/run/1.2_3-4");
  });
});

it("refuses a trust domain that SPIFFE does not allow", async () => {
  for (const trustDomain of ["", "UPPER", "a/b", "a:1", "x".repeat(256)]) {
    await expect(openIdentity({ home, clock, owner: { name: "a" }, trustDomain })).rejects.toMatchObject({
      code: "identity.bad-trust-domain",
    });
  }
});
