// Logins to a server, with a real authorization server.
import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { isPratiqueError } from "@pratique/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  startLoginUpstream,
  type LoginUpstream,
  type LoginUpstreamOptions,
} from "../../../../test/fakes/login-upstream.ts";
import {
  ada,
  callServer,
  credentialHouse,
  owner,
  type CredentialDaemon,
  type CredentialHouse,
} from "./credentials.fixture.ts";
import { withoutLoginPage } from "./login-page.ts";
import type { UpstreamAuth } from "../server-definition.ts";

let house: CredentialHouse;
let daemon: CredentialDaemon;
let upstream: LoginUpstream | undefined;
beforeEach(async () => {
  house = await credentialHouse();
  daemon = await house.daemon();
});
afterEach(async () => {
  await upstream?.close();
  await house.close();
});

const signal = AbortSignal.timeout(60_000);

async function start(options?: LoginUpstreamOptions): Promise<LoginUpstream> {
  upstream = await startLoginUpstream(options);
  return upstream;
}

async function logIn({ browse }: LoginUpstream, by: typeof owner = owner, at = daemon): Promise<void> {
  const { url } = await at.credentials.authorize(by, "notes", signal);
  await at.credentials.finish((await browse(url)).searchParams, signal);
}

async function neededLogin(call: Promise<unknown>): Promise<{ url: string; id: string }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isPratiqueError(error, "gateway.authorization-needed")) throw new Error(`not so: ${inspect(error)}`);
  return error.details as { url: string; id: string };
}

describe("a server that asks for a login", () => {
  it("is asked for by name, logged in to by a browser, and called with a token of its own", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url });
    const { url, id } = await neededLogin(callServer(auth, server.url));
    expect(new URL(url).searchParams.get("resource")).toBe(server.url);
    expect(daemon.credentials.progress(id)).toEqual({ state: "waiting" });
    await daemon.credentials.finish((await server.browse(url)).searchParams, signal);
    expect(daemon.credentials.progress(id)).toEqual({ state: "done" });
    // A bearer of the client's own never goes with it.
    const answer = await callServer(auth, server.url, { headers: { authorization: "Bearer prq_of_the_client" } });
    expect(answer).toMatchObject({ status: 200, text: expect.stringContaining("whoami as ada") });
    expect(server.seen.at(-1)).toMatch(/^Bearer (?!prq_)/);
    expect(house.acts.at(-1)).toMatchObject({ action: "credential:use", resource: { type: "Server", id: "notes" } });
  });

  it("shows the login page to people alone", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url });
    const shown = await callServer(auth, server.url)
      .catch(withoutLoginPage)
      .catch((error: unknown) => error);
    expect(shown).toMatchObject({ code: "gateway.authorization-needed", message: expect.stringContaining("notes") });
    expect(JSON.stringify(shown)).not.toContain("state");
  });

  it("does not begin a login anew for each call of an impatient agent", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url });
    const first = await neededLogin(callServer(auth, server.url));
    const second = await neededLogin(callServer(auth, server.url));
    expect(second.id).toBe(first.id);
    expect(server.asked.filter((line) => line === "POST /reg")).toHaveLength(1);
  });

  it("keeps nothing that can be read without its key, and shows no token", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    const { authorization = "" } = await auth.headers("", signal);
    const token = authorization.slice("Bearer ".length);
    expect(JSON.stringify(await house.database.secrets.list())).not.toContain(token);
    expect(JSON.stringify(await daemon.credentials.logins(owner))).not.toContain(token);
    expect(JSON.stringify(house.acts)).not.toContain(token);
    expect([...daemon.secrets.known.entries()].map(({ value }) => value)).toContain(token);
    expect(await daemon.secrets.get("login", undefined)).toBeUndefined();
  });

  it("is used no more when policy says so", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    house.deny("credential:use");
    await expect(auth.headers("", signal)).rejects.toMatchObject({ code: "policy.denied" });
  });

  it("gets the tokens of a login only at the address that it was made for", async () => {
    const server = await start();
    daemon.auth({ url: server.url });
    await logIn(server);
    const elsewhere = daemon.auth({ url: "http://127.0.0.1:1/mcp" });
    expect(await elsewhere.headers("", signal)).toEqual({});
    const above = daemon.auth({ url: `${new URL(server.url).origin}/other` });
    expect(await above.headers("", signal)).toEqual({});
  });

  it("has one login for each person where it is configured so", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url, scope: "user" });
    await logIn(server, ada);
    expect(await callServer(auth, server.url, { scope: "ada" })).toMatchObject({ status: 200 });
    expect(await daemon.credentials.logins(ada)).toMatchObject([{ server: "notes", owner: "ada" }]);
    expect(await daemon.credentials.logins(owner)).toEqual([]);
    expect(await auth.headers("", signal)).toEqual({});
  });

  it("is forgotten, here and where the token is from", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    const headers = await auth.headers("", signal);
    await daemon.credentials.forget(owner, "notes", signal);
    expect(server.asked).toContain("POST /token/revocation");
    expect((await fetch(server.url, { method: "POST", headers, body: "{}" })).status).toBe(401);
    expect(await auth.headers("", signal)).toEqual({});
    await expect(daemon.credentials.forget(owner, "notes", signal)).rejects.toMatchObject({
      code: "gateway.login-unknown",
    });
  });
});

describe("a browser that comes back", () => {
  it("is believed once, and only with a state that was given out", async () => {
    const server = await start();
    daemon.auth({ url: server.url });
    const { url } = await daemon.credentials.authorize(owner, "notes", signal);
    const back = (await server.browse(url)).searchParams;
    const forged = new URLSearchParams({ code: "x", state: "guessed", iss: server.issuer });
    await expect(daemon.credentials.finish(forged, signal)).rejects.toMatchObject({ code: "gateway.login-expired" });
    await daemon.credentials.finish(back, signal);
    await expect(daemon.credentials.finish(back, signal)).rejects.toMatchObject({ code: "gateway.login-expired" });
  });

  it("is refused with an answer that is another's, or none", async () => {
    const server = await start();
    daemon.auth({ url: server.url });
    const changes: ((back: URLSearchParams) => void)[] = [
      (back) => back.set("iss", "https://evil.example"),
      // The issuer says that it names itself.
      (back) => back.delete("iss"),
      (back) => back.set("iss", `${back.get("iss")}/`),
      (back) => back.delete("code"),
      (back) => back.set("code", "stolen"),
      (back) => back.set("error", "access_denied"),
    ];
    for (const change of changes) {
      const { url, id } = await daemon.credentials.authorize(owner, "notes", signal);
      const back = (await server.browse(url)).searchParams;
      change(back);
      await expect(daemon.credentials.finish(back, signal)).rejects.toMatchObject({ code: "gateway.login-failed" });
      expect(daemon.credentials.progress(id)).toMatchObject({ state: "failed" });
    }
    expect(await daemon.credentials.logins(owner)).toEqual([]);
  });

  it("is too late after ten minutes", async () => {
    const server = await start();
    daemon.auth({ url: server.url });
    const { url, id } = await daemon.credentials.authorize(owner, "notes", signal);
    const back = (await server.browse(url)).searchParams;
    house.clock.advance(11 * 60_000);
    await expect(daemon.credentials.finish(back, signal)).rejects.toMatchObject({ code: "gateway.login-expired" });
    expect(daemon.credentials.progress(id)).toBeUndefined();
  });
});

describe("a token that ends", () => {
  it("is renewed before it does, and after it did", async () => {
    const server = await start({ lifetimeS: 600 });
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    const first = await auth.headers("", signal);
    house.clock.advance(580_000);
    const second = await auth.headers("", signal);
    expect(second).not.toEqual(first);
    server.expire();
    house.clock.advance(60_000);
    expect(await callServer(auth, server.url)).toMatchObject({ status: 200 });
    expect(server.asked.filter((line) => line === "POST /token")).toHaveLength(3);
  });

  it("is renewed once for many calls, in two daemons on one database", async () => {
    const server = await start({ lifetimeS: 600 });
    const other = await house.daemon();
    const auths: UpstreamAuth[] = [daemon.auth({ url: server.url }), other.auth({ url: server.url })];
    await logIn(server);
    await Promise.all(auths.map((auth) => auth.headers("", signal)));
    server.expire();
    house.clock.advance(60_000);
    let release = (): void => undefined;
    server.hold = new Promise((resolve) => (release = resolve));
    const calls = Array.from({ length: 12 }, (_, index) => callServer(auths[index % 2]!, server.url));
    release();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
    // oidc-provider ends a whole login when a refresh token that rotated is shown a second time.
    expect(server.asked.filter((line) => line === "POST /token")).toHaveLength(2);
  });

  it("is renewed to the end when whoever waited for it leaves", async () => {
    const server = await start({ lifetimeS: 600 });
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    house.clock.advance(580_000);
    let release = (): void => undefined;
    server.hold = new Promise((resolve) => (release = resolve));
    const leaving = new AbortController();
    const left = auth.headers("", leaving.signal).catch(() => "left");
    await expect.poll(() => server.asked.filter((line) => line === "POST /token").length).toBe(2);
    leaving.abort();
    release();
    await left;
    server.expire();
    house.clock.advance(60_000);
    expect(await callServer(auth, server.url)).toMatchObject({ status: 200 });
  });

  it("is used to its end when it cannot be renewed before", async () => {
    const server = await start({ lifetimeS: 600 });
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    const headers = await auth.headers("", signal);
    house.clock.advance(580_000);
    await server.close();
    expect(await auth.headers("", signal)).toEqual(headers);
    house.clock.advance(60_000);
    await expect(auth.headers("", signal)).rejects.toMatchObject({ code: "gateway.login-failed" });
  });

  it("makes a new login needed when it cannot be renewed", async () => {
    const server = await start();
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    server.expire();
    house.clock.advance(60_000);
    await callServer(auth, server.url);
    const other = await house.daemon();
    const stale = other.auth({ url: server.url });
    await stale.headers("", signal);
    await house.database.secrets.list("login");
    await daemon.credentials.forget(owner, "notes", signal);
    server.expire();
    house.clock.advance(60_000);
    await neededLogin(callServer(stale, server.url));
    expect(await other.credentials.logins(owner)).toEqual([]);
  });
});

describe("a scope that is missing", () => {
  it("is asked for with those that are held, and not again when it was not given", async () => {
    const server = await start({ scopeOf: { write_note: "write", rule: "sudo" } });
    const auth = daemon.auth({ url: server.url });
    await logIn(server);
    const { url } = await neededLogin(callServer(auth, server.url, { tool: "write_note" }));
    expect(new URL(url).searchParams.get("scope")?.split(" ")).toEqual(expect.arrayContaining(["read", "write"]));
    await daemon.credentials.finish((await server.browse(url)).searchParams, signal);
    expect(await callServer(auth, server.url, { tool: "write_note" })).toMatchObject({ status: 200 });
    server.next = { status: 403, headers: { "www-authenticate": 'Bearer error="insufficient_scope", scope="write"' } };
    expect(await callServer(auth, server.url)).toMatchObject({ status: 403 });
    server.next = { status: 403, headers: {} };
    expect(await callServer(auth, server.url)).toMatchObject({ status: 403 });
  });
});

describe("a client of the configuration", () => {
  it("has a token for itself, with its secret or its key, and nobody logs in", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const common = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };
    const server = await start({
      provider: {
        clients: [
          {
            ...common,
            client_id: "by:secret",
            client_secret: "s3cret with:colon+% &",
            token_endpoint_auth_method: "client_secret_basic",
          },
          {
            ...common,
            client_id: "by-key",
            token_endpoint_auth_method: "private_key_jwt",
            jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "ES256", use: "sig" }] },
          },
        ],
        enabledJWA: {},
      },
    });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    await daemon.secrets.set({ owner: "", name: "client-key" }, Buffer.from(pem));
    const grant = "client_credentials" as const;
    const bySecret = { clientId: "by:secret", clientSecret: "client-secret", grant };
    const auth = daemon.auth({ url: server.url, oauth: bySecret });
    await expect(callServer(auth, server.url)).rejects.toMatchObject({ code: "gateway.credential-missing" });
    await daemon.secrets.set({ owner: "", name: "client-secret" }, Buffer.from("s3cret with:colon+% &"));
    expect(await callServer(auth, server.url)).toMatchObject({ text: expect.stringContaining("as itself") });
    const byKey = daemon.auth({
      url: server.url,
      name: "other",
      oauth: { clientId: "by-key", privateKey: "client-key", grant },
    });
    expect(await callServer(byKey, server.url)).toMatchObject({ text: expect.stringContaining("as itself") });
  });
});

describe("headers with secrets", () => {
  const header = { name: "X-Api-Key", value: "key {}", secret: "api-key", scope: "shared", isRequired: true } as const;

  it("hold what was set, whose it is, and nothing that ends a header", async () => {
    const auth = daemon.auth({ url: "https://notes.example/mcp", headers: [header], oauth: false });
    await expect(auth.headers("", signal)).rejects.toMatchObject({ code: "gateway.credential-missing" });
    await daemon.secrets.set({ owner: "", name: "api-key" }, Buffer.from("k$&1"));
    expect(await auth.headers("", signal)).toEqual({ "x-api-key": "key k$&1" });
    await daemon.secrets.set({ owner: "", name: "api-key" }, Buffer.from("a\r\nx-evil: 1"));
    await expect(auth.headers("", signal)).rejects.toMatchObject({ code: "gateway.credential-refused" });
    await expect(auth.renew("", { status: 401, wwwAuthenticate: undefined }, signal)).rejects.toMatchObject({
      code: "gateway.credential-refused",
    });
  });

  it("do not leave this machine in the clear", async () => {
    await daemon.secrets.set({ owner: "", name: "api-key" }, Buffer.from("some-key"));
    const auth = daemon.auth({ url: "http://notes.example/mcp", headers: [header], oauth: false });
    await expect(auth.headers("", signal)).rejects.toMatchObject({ code: "gateway.credential-refused" });
  });

  it("are those of the person where each has his own", async () => {
    const auth = daemon.auth({
      url: "https://notes.example/mcp",
      headers: [{ ...header, scope: "user", value: "{}" }],
    });
    await daemon.secrets.set({ owner: "", name: "api-key" }, Buffer.from("shared-key"));
    await daemon.secrets.set({ owner: "ada", name: "api-key" }, Buffer.from("adas-key"));
    expect(await auth.headers("ada", signal)).toEqual({ "x-api-key": "adas-key" });
    await expect(auth.headers("nobody", signal)).rejects.toMatchObject({ code: "gateway.login-unknown" });
  });
});
