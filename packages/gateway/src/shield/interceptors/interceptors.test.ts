// Interceptors over HTTP and in WebAssembly: what they may do, and what becomes of a message when they fail.
import { writeFile, mkdtemp, rm, chmod } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InterceptorConfig } from "@pratique/contracts";
import { isJsonObject, parseJson, silentLog, type JsonObject } from "@pratique/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Exchange } from "../../exchange/exchange.ts";
import { listening, owner } from "../../gateway.fixture.ts";
import type { InterceptorChain } from "./interceptor-chain.ts";
import { openInterceptors } from "./open-interceptors.ts";
import { wasmModule } from "./wasm.fixture.ts";

let directory: string;
let server: Server;
let url: string;
let asked: { readonly body: JsonObject; readonly headers: IncomingMessage["headers"] }[];
let respond: (body: JsonObject, res: ServerResponse) => void;
let chain: InterceptorChain | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "interceptors-"));
  asked = [];
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const body = parseJson(Buffer.concat(chunks).toString());
      asked.push({ body: isJsonObject(body) ? body : {}, headers: req.headers });
      respond(isJsonObject(body) ? body : {}, res);
    });
  });
  url = `http://127.0.0.1:${await listening(server)}/check`;
});
afterEach(async () => {
  await chain?.close();
  chain = undefined;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

const open = async (...configs: readonly object[]): Promise<InterceptorChain> => {
  const parsed = configs.map((config) => InterceptorConfig.parse({ name: "check", ...config }));
  chain = await openInterceptors(parsed, { directory, log: silentLog });
  return chain!;
};
const caller = { principal: owner, profile: undefined };
const exchange = (params: JsonObject = { name: "say", arguments: { a: 1 } }, method = "tools/call"): Exchange => ({
  method,
  params,
  headers: {},
  client: { era: "modern", protocolVersion: "2026-07-28", capabilities: {} },
  signal: new AbortController().signal,
  wantsProgress: false,
  notify: () => undefined,
  ask: () => Promise.reject(new Error("nobody is there")),
});
const json = (value: unknown) => (_body: JsonObject, res: ServerResponse) =>
  void res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));

describe("over HTTP", () => {
  it("is told who does what, changes it, and the record says from what to what", async () => {
    respond = json({ action: "change", params: { name: "other", arguments: { a: 2 } } });
    await writeFile(join(directory, "token"), "t0ken\n");
    await chmod(join(directory, "token"), 0o600);
    const { params, notes } = await (await open({ url, tokenFile: "token" })).before(caller, exchange(), "said");
    // Another tool than the one that was decided on is not to be had.
    expect(params).toEqual({ name: "say", arguments: { a: 2 } });
    expect(notes).toEqual({
      interceptedBefore: [
        {
          name: "check",
          did: "changed",
          from: expect.stringMatching(/^sha256:/),
          to: expect.stringMatching(/^sha256:/),
        },
      ],
    });
    expect(asked[0]).toMatchObject({
      body: {
        version: 1,
        when: "before",
        method: "tools/call",
        server: "said",
        tool: "say",
        principal: { type: "User", id: "owner", name: "Owner" },
        params: { arguments: { a: 1 } },
      },
      headers: { authorization: "Bearer t0ken" },
    });
  });

  it("refuses, and says why", async () => {
    respond = json({ action: "refuse", reason: "not on Fridays" });
    await expect((await open({ url })).before(caller, exchange(), "said")).rejects.toMatchObject({
      code: "gateway.intercepted",
      message: expect.stringContaining("not on Fridays"),
    });
  });

  it("sees answers in the opposite order, each as the one before left it", async () => {
    respond = ({ answer }, res) => {
      const seen = isJsonObject(answer) ? String(answer["seen"] ?? "") : "";
      json({ action: "change", answer: { seen: `${seen}x` } })({}, res);
    };
    const both = await open({ url, when: ["after"] }, { name: "second", url, when: ["after"] });
    const { answer, notes } = await both.after(caller, exchange(), "said", { seen: "" });
    expect(answer).toEqual({ seen: "xx" });
    expect(notes["interceptedAfter"]).toMatchObject([{ name: "second" }, { name: "check" }]);
  });

  it("is asked about nothing but what it is configured for", async () => {
    respond = json({ action: "pass" });
    const narrow = await open({ url, servers: ["said"], tools: ["say"] });
    expect(narrow.concerns("tools/call", "said")).toBe(true);
    expect(narrow.concerns("tools/call", "other")).toBe(false);
    expect(narrow.concerns("prompts/get", "said")).toBe(false);
    await narrow.before(caller, exchange({ name: "other" }), "said");
    await narrow.after(caller, exchange(), "said", {});
    expect(asked).toEqual([]);
    expect(await narrow.before(caller, exchange(), "said")).toMatchObject({ notes: {} });
    expect(asked).toHaveLength(1);
  });

  it.each<[string, (res: ServerResponse) => void]>([
    ["fails", (res) => void res.writeHead(500).end()],
    ["sends us elsewhere", (res) => void res.writeHead(302, { location: url }).end()],
    ["answers no JSON", (res) => void res.writeHead(200).end("<html>")],
    ["answers nothing that was asked", (res) => void res.writeHead(200).end('{"action":"maybe"}')],
    ["changes to no object", (res) => void res.writeHead(200).end('{"action":"change","params":[1]}')],
    ["answers too much", (res) => void res.writeHead(200).end("x".repeat(5000))],
    ["breaks off", (res) => void res.writeHead(200, { "content-length": 100 }).destroy()],
    ["never answers", () => undefined],
  ])("lets no message through when it %s, unless it is to", async (_what, misbehave) => {
    respond = (_body, res) => misbehave(res);
    const strict = await open({ url, timeoutMs: 300, limitBytes: 4096 });
    await expect(strict.before(caller, exchange(), "said")).rejects.toMatchObject({
      code: "gateway.interceptor-failed",
    });
    await strict.close();
    const lenient = await open({ url, timeoutMs: 300, limitBytes: 4096, onFailure: "pass" });
    const { params, notes } = await lenient.before(caller, exchange(), "said");
    expect(params).toEqual(exchange().params);
    expect(notes["interceptedBefore"]).toMatchObject([{ did: "failed" }]);
  });

  it("is not shown what is too large", async () => {
    respond = json({ action: "pass" });
    const small = await open({ url, limitBytes: 1024 });
    const large = exchange({ name: "say", arguments: { a: "x".repeat(2000) } });
    await expect(small.before(caller, large, "said")).rejects.toMatchObject({ code: "gateway.interceptor-failed" });
    expect(asked).toEqual([]);
  });

  it.each([
    ["plain HTTP to another machine", { url: "http://checks.example/" }],
    ["an address with a password", { url: "https://me:pw@checks.example/" }],
    ["a certificate that is not there", { url: "https://checks.example/", ca: "none.pem" }],
    ["a module that is not there", { wasm: "none.wasm" }],
  ])("is not taken with %s", async (_what, config) => {
    await expect(open(config)).rejects.toMatchObject({ code: "gateway.interceptor-invalid" });
  });

  it("is not taken with a token that others can read", async () => {
    await writeFile(join(directory, "token"), "t0ken");
    await chmod(join(directory, "token"), 0o644);
    await expect(open({ url, tokenFile: "token" })).rejects.toMatchObject({ code: "gateway.interceptor-invalid" });
  });
});

describe("in WebAssembly", () => {
  const place = async (module: Uint8Array): Promise<string> => {
    await writeFile(join(directory, "check.wasm"), module);
    return "check.wasm";
  };

  it("answers from its own memory", async () => {
    const wasm = await place(wasmModule({ answer: '{"action":"refuse","reason":"by the module"}' }));
    await expect((await open({ wasm })).before(caller, exchange(), "said")).rejects.toMatchObject({
      code: "gateway.intercepted",
      message: expect.stringContaining("by the module"),
    });
  });

  it("is shown the message", async () => {
    // Answers with what it was asked, which is no verdict.
    const wasm = await place(wasmModule({ answer: undefined }));
    await expect((await open({ wasm })).before(caller, exchange(), "said")).rejects.toThrow(/no action of pass/);
  });

  it("is ended when it takes too long, and works again afterwards", async () => {
    const wasm = await place(wasmModule({ answer: '{"action":"pass"}', loops: true }));
    const slow = await open({ wasm, timeoutMs: 200 });
    for (let time = 0; time < 2; time++)
      await expect(slow.before(caller, exchange(), "said")).rejects.toThrow(/took too long/);
  });

  it("fails when it traps, or answers from outside of its memory", async () => {
    const trap = await open({ wasm: await place(wasmModule({ answer: "", traps: true })) });
    await expect(trap.before(caller, exchange(), "said")).rejects.toMatchObject({ code: "gateway.interceptor-failed" });
    await trap.close();
    const liar = await open({ wasm: await place(wasmModule({ answer: "", lies: true })) });
    await expect(liar.before(caller, exchange(), "said")).rejects.toMatchObject({ code: "gateway.interceptor-failed" });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["is none", Buffer.from("no module at all"), /no WebAssembly module/],
    ["has memory without a maximum", wasmModule({ answer: "", maximumPages: undefined }), /no maximum/],
    ["may take more memory than it is given", wasmModule({ answer: "", maximumPages: 4096 }), /may grow/],
    ["wants something of us", wasmModule({ answer: "", imports: true }), /imports env.f/],
  ])("is not taken when it %s", async (_what, module, reason) => {
    await expect(open({ wasm: await place(module) })).rejects.toThrow(reason);
  });
});
