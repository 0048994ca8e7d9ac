// Tokens for registry clients: what is given out, to whom, and what it is good for.
import type { Principal } from "@pratique/contracts";
import { manualClock, silentLog, type ManualClock } from "@pratique/core";
import fc from "fast-check";
import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RegistryTokens } from "./registry-tokens.ts";
import { covers, formatScope, parseScopes, type Access } from "./scope.ts";
import { createTokenEndpoint } from "./token-endpoint.ts";
import { openTokenKey } from "./token-key.ts";

const OLGA: Principal = { type: "User", id: "user-1", name: "olga", groups: ["owner"] };
const APP: Access = { type: "repository", name: "team/app", actions: ["pull", "push"] };

let clock: ManualClock;
let isRevoked = false;
let tokens: RegistryTokens;
beforeEach(() => {
  clock = manualClock();
  isRevoked = false;
  tokens = makeTokens();
});

function makeTokens(service = "registry.test"): RegistryTokens {
  const recall = (credential: string): Principal | undefined =>
    credential === "cred-1" && !isRevoked ? OLGA : undefined;
  return new RegistryTokens({ key: generateKeyPairSync("ed25519").privateKey, service, clock, recall });
}

const bearer = { principal: OLGA, credential: "cred-1" };
const authenticate = (token: string) => tokens.authenticate(`Bearer ${token}`);

describe("a token", () => {
  it("names its principal and what it is good for, for five minutes", async () => {
    const { token, seconds } = await tokens.issue(bearer, [APP]);
    expect(seconds).toBe(300);
    expect(await authenticate(token)).toEqual({ principal: OLGA, access: [APP] });
    clock.advance(300_000);
    expect(await authenticate(token)).toBeUndefined();
  });

  it("ends with the credential that it was given out for", async () => {
    const { token } = await tokens.issue(bearer, [APP]);
    const refresh = await tokens.issueRefresh(bearer);
    expect(await authenticate(token)).toBeDefined();
    isRevoked = true;
    expect(await authenticate(token)).toBeUndefined();
    expect(await tokens.renew(refresh)).toBeUndefined();
  });

  it("is worth nothing when it is changed, another's, or of the other kind", async () => {
    const { token } = await tokens.issue(bearer, [APP]);
    const refresh = await tokens.issueRefresh(bearer);
    const [head, body, signature] = token.split(".") as [string, string, string];
    const forged = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(body, "base64url").toString()), sub: "root" }),
    );
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    const foreign = await makeTokens().issue(bearer, [APP]);
    const otherService = await makeTokens("other.test").issue(bearer, [APP]);
    for (const bad of [
      `${head}.${forged.toString("base64url")}.${signature}`,
      `${none}.${body}.`,
      `${head}.${body}`,
      `${token}x`,
      foreign.token,
      otherService.token,
      refresh,
      "",
      "x".repeat(20_000),
    ]) {
      expect(await authenticate(bad)).toBeUndefined();
    }
    expect(await tokens.renew(token)).toBeUndefined();
    expect(await tokens.renew(refresh)).toEqual(bearer);
    clock.advance(31 * 86_400_000);
    expect(await tokens.renew(refresh)).toBeUndefined();
  });
});

describe("a forged token", () => {
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString("base64url");

  it("is worth nothing when the public key signs it as a secret, or it brings a key along", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const own = new RegistryTokens({ key: privateKey, service: "registry.test", clock, recall: () => OLGA });
    const [, body] = (await own.issue(bearer, [APP])).token.split(".") as [string, string];
    const publicKey = createPublicKey(privateKey);
    const mine = generateKeyPairSync("ed25519");
    for (const secret of [
      publicKey.export({ type: "spki", format: "pem" }),
      publicKey.export({ type: "spki", format: "der" }),
    ]) {
      const head = part({ alg: "HS256", typ: "JWT" });
      const signature = createHmac("sha256", secret).update(`${head}.${body}`).digest("base64url");
      expect(await own.authenticate(`Bearer ${head}.${body}.${signature}`)).toBeUndefined();
    }
    const head = part({ alg: "EdDSA", typ: "JWT", jwk: mine.publicKey.export({ format: "jwk" }), kid: "../../etc" });
    const signature = sign(null, Buffer.from(`${head}.${body}`), mine.privateKey).toString("base64url");
    expect(await own.authenticate(`Bearer ${head}.${body}.${signature}`)).toBeUndefined();
  });

  it("is never twice the same, however many are made at once", async () => {
    const issued = await Promise.all(Array.from({ length: 50 }, () => tokens.issue(bearer, [APP])));
    expect(new Set(issued.map(({ token }) => token)).size).toBe(50);
    const grants = await Promise.all(issued.map(({ token }) => authenticate(token)));
    expect(grants.every((grant) => grant?.access.length === 1)).toBe(true);
  });
});

describe("scopes", () => {
  it("are read as clients write them", () => {
    expect(parseScopes(["repository:team/app:pull,push repository:host:5000/x:pull", "registry:catalog:*"])).toEqual([
      APP,
      { type: "repository", name: "host:5000/x", actions: ["pull"] },
      { type: "registry", name: "catalog", actions: ["*"] },
    ]);
    expect(parseScopes(["repository(plugin):a/b:pull"])).toEqual([
      { type: "repository", name: "a/b", actions: ["pull"] },
    ]);
    expect(parseScopes(["", "nonsense", "repository:a:", "repository::pull", "repository:a:fly"])).toEqual([]);
  });

  it("are bounded, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (texts) => {
        for (const access of parseScopes(texts)) expect(parseScopes([formatScope(access)])).toEqual([access]);
      }),
    );
    expect(parseScopes(Array.from({ length: 1000 }, (_, n) => `repository:a${n}:pull`)).length).toBeLessThanOrEqual(64);
  });

  it("cover what they name and nothing else", () => {
    expect(covers([APP], { ...APP, actions: ["push"] })).toBe(true);
    expect(covers([APP], { ...APP, actions: ["delete"] })).toBe(false);
    expect(covers([APP], { ...APP, name: "team/app2" })).toBe(false);
    expect(covers([{ ...APP, actions: ["*"] }], { ...APP, actions: ["delete"] })).toBe(true);
    expect(covers([], APP)).toBe(false);
  });
});

describe("the key", () => {
  let directory = "";
  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), "pratique-token-"))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("is made once, private, and read again", async () => {
    const file = join(directory, "key.pem");
    const first = await openTokenKey(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await openTokenKey(file)).equals(first)).toBe(true);
    await writeFile(file, "something else");
    await expect(openTokenKey(file)).rejects.toMatchObject({ code: "registry.token-key-invalid" });
    expect(await readFile(file, "utf8")).toBe("something else");
  });
});

describe("the endpoint", () => {
  let url = "";
  let stop: () => Promise<void>;
  beforeEach(async () => {
    const endpoint = createTokenEndpoint({
      tokens,
      authenticate: ({ authorization }) =>
        authorization === `Basic ${Buffer.from("me:secret").toString("base64")}` ? bearer : undefined,
      allow: (_principal, access) => (access.name === "team/app" ? { ...access, actions: ["pull"] } : undefined),
      log: silentLog,
    });
    const server = createServer((req, res) => void endpoint.handle(req, res));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth/registry/token`;
    stop = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
  });
  afterEach(() => stop());

  const basic = { authorization: `Basic ${Buffer.from("me:secret").toString("base64")}` };
  const get = (query: string, headers: Record<string, string> = basic) => fetch(`${url}?${query}`, { headers });
  const post = (form: Record<string, string>) => fetch(url, { method: "POST", body: new URLSearchParams(form) });
  const json = async (answer: Response) => (await answer.json()) as Record<string, string>;

  it("grants of what is asked for what policy allows", async () => {
    const answer = await get("service=registry.test&scope=repository:team/app:pull,push&scope=repository:other:pull");
    const body = await json(answer);
    expect([answer.status, body["scope"], body["refresh_token"]]).toEqual([200, "repository:team/app:pull", undefined]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(body["token"]).toBe(body["access_token"]);
    expect(await authenticate(body["token"]!)).toEqual({ principal: OLGA, access: [{ ...APP, actions: ["pull"] }] });
  });

  it("gives nothing to who is not known", async () => {
    for (const answer of [
      await get("service=registry.test", {}),
      await get("service=registry.test", { authorization: "Basic bm9ib2R5Ong=" }),
      await post({ grant_type: "password", username: "me", password: "wrong" }),
      await post({ grant_type: "refresh_token", refresh_token: "nonsense" }),
    ]) {
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="pratique"']);
      expect(await json(answer)).toMatchObject({ errors: [{ code: "UNAUTHORIZED" }], error: "invalid_grant" });
    }
  });

  it("takes the OAuth form, and renews", async () => {
    const first = await json(
      await post({
        grant_type: "password",
        username: "me",
        password: "secret",
        access_type: "offline",
        scope: "repository:team/app:pull",
      }),
    );
    const renewed = await json(
      await post({
        grant_type: "refresh_token",
        refresh_token: first["refresh_token"]!,
        scope: "repository:team/app:pull",
      }),
    );
    expect(renewed["refresh_token"]).toBe(first["refresh_token"]);
    expect((await authenticate(renewed["access_token"]!))?.access).toEqual([{ ...APP, actions: ["pull"] }]);
    expect((await json(await get("offline_token=true")))["refresh_token"]).toMatch(/^ey/);
  });

  it("renews for no more than policy allows, and for nobody whose credential is gone", async () => {
    const refresh = await tokens.issueRefresh(bearer);
    const renew = (scope: string) => post({ grant_type: "refresh_token", refresh_token: refresh, scope });
    const wide = await json(
      await renew("repository:team/app:pull,push,delete repository:other:pull registry:catalog:*"),
    );
    expect(wide["scope"]).toBe("repository:team/app:pull");
    const many = Array.from({ length: 200 }, (_, n) => `repository:team/app${n}:pull`).join(" ");
    expect((await renew(many)).status).toBe(200);
    isRevoked = true;
    expect((await renew("repository:team/app:pull")).status).toBe(401);
  });

  it("refuses another service, another way, another method, and a form without end", async () => {
    expect((await get("service=other.test")).status).toBe(400);
    expect((await post({ grant_type: "client_credentials" })).status).toBe(400);
    expect((await fetch(url, { method: "PUT", body: "x" })).status).toBe(405);
    expect((await fetch(url, { method: "POST", body: "x".repeat(100_000) })).status).toBe(413);
  });
});
