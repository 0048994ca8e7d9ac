// A server that wants a login, as a person meets it: told how, logged in by a browser, called, and still so after kill -9.
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startLoginUpstream, type LoginUpstream } from "../fakes/login-upstream.ts";
import { execute } from "../interop/peers/sid-tree.ts";
import { finished, pratique, startDaemon, startProgram, temporaryHome, type Daemon } from "../support/program.ts";

const API_KEY = "correct-horse-battery-staple";
let upstream: LoginUpstream;
let home: string;
let remove: () => Promise<void>;
let daemon: Daemon;
beforeAll(async () => {
  upstream = await startLoginUpstream();
  ({ home, remove } = await temporaryHome());
  const servers = {
    notes: { url: upstream.url, readOnlyTools: ["whoami"] },
    keyed: {
      url: upstream.url,
      auth: { headers: { "x-api-key": { secret: "api-key", value: "key {}" } }, oauth: false },
    },
  };
  await writeFile(join(home, "pratique.yaml"), JSON.stringify({ container: { enabled: false }, gateway: { servers } }));
  daemon = await startDaemon(home);
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
  await remove();
});

async function callTool(server: string, args: Record<string, string> = {}): Promise<string> {
  const token = (await readFile(join(home, "token"), "utf8")).trim();
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  };
  const answer = await fetch(`${daemon.url}/mcp/${server}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "whoami",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "whoami", arguments: args, _meta },
    }),
  });
  return await answer.text();
}

/** As a browser follows a redirect from elsewhere; `fetch` says of itself that it is no browser. */
async function visit(address: URL): Promise<{ status: number | undefined; text: string }> {
  const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  const [answer] = (await once(get(address, { headers }), "response")) as [IncomingMessage];
  return { status: answer.statusCode, text: String(await answer.reduce((text, chunk) => text + String(chunk), "")) };
}

/** `pratique gateway authorize`, with somebody at the browser. */
async function authorize(): Promise<{ code: number | null; stderr: string }> {
  const program = startProgram(["gateway", "authorize", "notes", "--no-browser"], { home });
  const result = finished(program);
  let told = "";
  program.stderr?.on("data", (text: string) => (told += text));
  while (!/^ {2}http\S+$/m.test(told)) await once(program.stderr!, "data");
  const page = /^ {2}(http\S+)$/m.exec(told)?.[1] ?? "";
  const back = await upstream.browse(page);
  expect(back.href.startsWith(`${daemon.url}/oauth/callback?`)).toBe(true);
  expect(await visit(back)).toEqual({ status: 200, text: expect.stringContaining("logged in to notes") });
  return await result;
}

it("tells what to do, is logged in to, and is called with a token that is its own", async () => {
  expect(await callTool("notes")).toContain("pratique gateway authorize notes");
  expect(await authorize()).toMatchObject({ code: 0 });
  expect(await callTool("notes")).toContain("whoami as ada");
  const token = (await readFile(join(home, "token"), "utf8")).trim();
  expect(upstream.seen.filter((header) => header?.includes(token))).toEqual([]);
  const { stdout } = await pratique(["gateway", "logins"], { home });
  expect(stdout).toContain("renewed by itself");
});

it("needs no new login after kill -9, and nothing lies open", async () => {
  await daemon.kill();
  daemon = await startDaemon(home);
  upstream.expire();
  expect(await callTool("notes")).toContain("whoami as ada");
  const bearer = upstream.seen.at(-1)?.slice("Bearer ".length) ?? "";
  const { code, stdout } = await execute(["grep", "-rFl", bearer, home], { env: { PATH: process.env["PATH"] } });
  expect([code, String(stdout)]).toEqual([1, ""]);
});

it("has its secret set from standard input alone, and the value shows nowhere", async () => {
  expect(await callTool("keyed")).toContain("pratique secret set api-key");
  const program = startProgram(["secret", "set", "api-key", "--from-file", join(home, "key-file")], { home });
  expect((await finished(program)).code).toBe(2);
  await writeFile(join(home, "key-file"), `${API_KEY}\n`, { mode: 0o600 });
  const set = await pratique(["secret", "set", "api-key", "--from-file", join(home, "key-file"), "--json"], { home });
  expect([set.code, set.stdout]).toEqual([0, expect.not.stringContaining(API_KEY)]);
  await writeFile(join(home, "key-file"), "gone");
  await callTool("keyed");
  // It is no shape that anybody knows: the secret guard knows the value.
  expect(await callTool("notes", { text: `the key is ${API_KEY}` })).toContain("secret");
  expect(upstream.bodies.join()).not.toContain(API_KEY);
  const listed = await pratique(["secret", "ls", "--json"], { home });
  expect(listed.stdout).toContain("api-key");
  const { code } = await execute(["grep", "-rFl", API_KEY, home], { env: { PATH: process.env["PATH"] } });
  expect(code).toBe(1);
});

it("leads a browser to the login page once", async () => {
  const { page, url } = await daemon.client.beginLogin("notes");
  const visited = await fetch(page, { redirect: "manual", headers: { "sec-fetch-mode": "navigate" } });
  expect([visited.status, visited.headers.get("location")]).toEqual([302, url]);
  expect((await fetch(page, { redirect: "manual" })).status).toBe(404);
});

it("is forgotten by name", async () => {
  expect((await pratique(["gateway", "forget", "notes"], { home })).code).toBe(0);
  expect(await callTool("notes")).toContain("pratique gateway authorize notes");
  expect(upstream.asked).toContain("POST /token/revocation");
});
