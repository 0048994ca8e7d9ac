// Tokens at the registry itself: challenges, scopes that are too small, and denials that keep their reason.
import type { Principal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { openContentStore } from "@pratique/oci";
import { loadPolicySet } from "@pratique/policy";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, request, type IncomingMessage } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createRegistry, type Caller } from "../registry.ts";
import type { Access } from "./scope.ts";

const POLICIES = join(import.meta.dirname, "../../../../policies");
const OLGA: Principal = { type: "User", id: "user-1", name: "olga", groups: ["owner"] };
const DENIED = `@id("closed") @reason("closed") @remedy("ask")
forbid (principal, action == Pratique::Action::"artifact:pull", resource is Pratique::Repository)
when { resource.name == "closed" };`;

let caller: Caller;
let port = 0;
let stop: () => Promise<void>;
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), "pratique-token-wire-"));
  const store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  const names = (await readdir(POLICIES)).filter((name) => name.endsWith(".cedar"));
  const texts = names.map(async (name) => [name, await readFile(join(POLICIES, name), "utf8")] as const);
  const files = { ...Object.fromEntries(await Promise.all(texts)), "test.cedar": DENIED };
  const schema = await readFile(join(POLICIES, "pratique.cedarschema"), "utf8");
  const policies = loadPolicySet({ schema, files });
  const audit = {
    append: async (body: object) =>
      ({ ...body, version: 1, id: "r", sequence: 0, time: "2026-01-01T00:00:00Z" }) as never,
  };
  const guard = createGuard({ policy: () => policies, audit, clock: systemClock, log: silentLog });
  const registry = createRegistry({ store, guard, clock: systemClock, log: silentLog, tokenService: "registry.test" });
  const server = createServer((req, res) => void registry.handle(req, res, caller));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await store.close();
    await rm(directory, { recursive: true, force: true });
  };
});
afterEach(() => stop());

async function call(method: string, path: string): Promise<{ status: number; challenges: string[]; text: string }> {
  const asking = request({ port, host: "127.0.0.1", method, path });
  asking.end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  const text = (await answer.toArray()).join("");
  const challenges = answer.rawHeaders.filter((_, at) => answer.rawHeaders[at - 1] === "WWW-Authenticate");
  return { status: answer.statusCode ?? 0, challenges, text };
}

const withToken = (...access: Access[]): Caller => ({ principal: OLGA, access });
const on = (name: string, ...actions: string[]): Access => ({ type: "repository", name, actions });

it("asks for Bearer first and Basic next, each on a line of its own, with the scope that is needed", async () => {
  caller = { principal: undefined };
  const realm = `Bearer realm="http://127.0.0.1:${port}/oauth/registry/token",service="registry.test"`;
  expect((await call("GET", "/v2/")).challenges).toEqual([realm, 'Basic realm="pratique"']);
  const scopes: [string, string, string][] = [
    ["GET", "/v2/a/b/manifests/1", "repository:a/b:pull"],
    ["POST", "/v2/a/b/blobs/uploads/", "repository:a/b:pull,push"],
    ["GET", "/v2/a/b/blobs/uploads/1", "repository:a/b:pull,push"],
    ["DELETE", "/v2/a/b/manifests/1", "repository:a/b:delete"],
    ["GET", "/v2/_catalog", "registry:catalog:*"],
    ["POST", "/v2/a/b/blobs/uploads/?mount=x&from=c/d", "repository:a/b:pull,push repository:c/d:pull"],
    ["POST", "/v2/a/b/blobs/uploads/?mount=x&from=a/b", "repository:a/b:pull,push"],
    ["POST", "/v2/a/b/blobs/uploads/?mount=x&from=../up", "repository:a/b:pull,push"],
  ];
  for (const [method, path, scope] of scopes) {
    const { status, challenges } = await call(method, path);
    expect([status, challenges[0]]).toEqual([401, `${realm},scope="${scope}"`]);
  }
});

it("wants another token for what this one is not good for", async () => {
  caller = withToken(on("a/b", "pull"));
  const push = await call("POST", "/v2/a/b/blobs/uploads/");
  expect([push.status, push.challenges[0]]).toEqual([
    401,
    expect.stringContaining('scope="repository:a/b:pull,push",error="insufficient_scope"'),
  ]);
  expect((await call("GET", "/v2/a/c/tags/list")).status).toBe(401);
  expect((await call("GET", "/v2/a/b/tags/list")).status).toBe(404);
  expect((await call("GET", "/v2/")).status).toBe(200);
});

it("says why policy denies, whatever the token", async () => {
  for (const one of [withToken(), withToken(on("closed", "pull"))]) {
    caller = one;
    const answer = await call("GET", "/v2/closed/tags/list");
    expect([answer.status, answer.text.includes("policy closed forbids")]).toEqual([403, true]);
  }
});

it("is no way into another repository by a mount", async () => {
  caller = { principal: OLGA };
  const blob = `sha256:${"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}`;
  const asking = request({
    port,
    method: "POST",
    path: `/v2/secret/app/blobs/uploads/?digest=${blob}`,
    headers: { "Content-Length": "2" },
  });
  asking.end("{}");
  const [pushed] = (await once(asking, "response")) as [IncomingMessage];
  expect(pushed.statusCode).toBe(201);
  caller = withToken(on("a/b", "pull", "push"));
  const short = await call("POST", `/v2/a/b/blobs/uploads/?mount=${blob}&from=secret/app`);
  expect([short.status, short.challenges[0]]).toEqual([
    401,
    expect.stringContaining('scope="repository:a/b:pull,push repository:secret/app:pull",error="insufficient_scope"'),
  ]);
  // Nor does it help to name nothing, or what policy denies: then the client uploads.
  expect((await call("POST", `/v2/a/b/blobs/uploads/?mount=${blob}`)).status).toBe(202);
  expect((await call("POST", `/v2/a/b/blobs/uploads/?mount=${blob}&from=closed`)).status).toBe(202);
  caller = withToken(on("a/b", "pull", "push"), on("secret/app", "pull"));
  expect((await call("POST", `/v2/a/b/blobs/uploads/?mount=${blob}&from=secret/app`)).status).toBe(201);
});
