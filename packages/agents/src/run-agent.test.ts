// The loop, over a real HTTP server that says what a model would.
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock, type JsonObject } from "@pratique/core";
import { parseAgentFile } from "./parse-agent-file.ts";
import { runAgent, type RunAgentOptions, type RunEvent } from "./run-agent.ts";
import type { ToolPort, ToolResult } from "./tool-port.ts";

interface Request {
  messages: JsonObject[];
  tools?: { function: { name: string; description: string } }[];
  temperature?: number;
  max_tokens?: number;
}

type Turn = (res: ServerResponse) => void;

let server: Server;
let url: string;
let turns: Turn[];
let requests: Request[];

const event = (delta: object, finish: string | null = null, usage?: object) =>
  `data: ${JSON.stringify({ id: "1", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }], usage })}\n\n`;
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

const says =
  (text: string, finish = "stop"): Turn =>
  (res) =>
    void res.end(event({ role: "assistant", content: text }) + event({}, finish, usage) + "data: [DONE]\n\n");
const calls =
  (...given: [name: string, args: string][]): Turn =>
  (res) => {
    const tool_calls = given.map(([name, args], index) => ({
      index,
      id: `call-${index}`,
      type: "function",
      function: { name, arguments: args },
    }));
    res.end(event({ role: "assistant", tool_calls }) + event({}, "tool_calls", usage) + "data: [DONE]\n\n");
  };

beforeAll(async () => {
  server = createServer((req, res) => {
    void json(req).then((body) => {
      requests.push(body as Request);
      const turn = turns.shift();
      if (turn === undefined) return void res.writeHead(500).end();
      res.setHeader("content-type", "text/event-stream");
      turn(res);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});

beforeEach(() => {
  turns = [];
  requests = [];
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
});

const file = parseAgentFile(`
models:
  m: {provider: a, model: b, temperature: 0, max_tokens: 9}
agents:
  root: {model: m, instruction: "  Be exact. \\n", max_iterations: 3}
`);

function port(name: string, call: (args: JsonObject) => ToolResult | Promise<ToolResult>): ToolPort {
  return {
    list: async () => [{ name, description: `does ${name}`, inputSchema: { type: "object", properties: {} } }],
    call: async (_name, args) => call(args),
    close: async () => undefined,
  };
}

function run(options: Partial<RunAgentOptions> = {}): AsyncIterable<RunEvent> {
  const model = { baseUrl: url, token: "t", name: "model" };
  return runAgent({ file, prompt: "hello", model, tools: [], skills: [], clock: systemClock, ...options });
}

async function collect(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  for await (const one of events) all.push(one);
  return all;
}

const results = (events: RunEvent[]) => events.filter((one) => one.type === "tool-result");

describe("a run", () => {
  it("sends the instruction to the letter, then what was said, called and answered", async () => {
    turns = [calls(["look", '{"at": "sea"}']), says("calm")];
    const look = port("look", ({ at }) => ({ text: `${String(at)} is calm`, isError: false }));
    const events = await collect(run({ tools: [look] }));
    expect(events.map((one) => one.type)).toEqual([
      "started",
      "usage",
      "tool-call",
      "tool-result",
      "text",
      "usage",
      "finished",
    ]);
    expect(events.at(-1)).toMatchObject({ answer: "calm", turns: 2, isCut: false });
    expect(requests[1]).toMatchObject({ temperature: 0, max_tokens: 9 });
    expect(requests[1]?.messages).toEqual([
      { role: "system", content: "  Be exact. \n" },
      { role: "user", content: "hello" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "call-0", type: "function", function: { name: "look", arguments: '{"at":"sea"}' } }],
      },
      { role: "tool", tool_call_id: "call-0", content: "sea is calm" },
    ]);
  });

  it("lets the model read why a call was denied", async () => {
    turns = [calls(["write", "{}"]), says("not allowed")];
    const denied = {
      text: "denied: policy no-writes forbids write",
      isError: true,
      decision: "deny",
      policy: "no-writes",
    } as const;
    const events = await collect(run({ tools: [port("write", () => denied)] }));
    expect(results(events)).toMatchObject([denied]);
    expect(requests[1]?.messages.at(-1)).toMatchObject({ content: denied.text });
  });

  it("answers what cannot be called with an error the model reads", async () => {
    turns = [calls(["look", "{oops"], ["fly", "{}"], ["look", "[1]"], ["look", "{}"]), says("ok")];
    const look = port("look", () => Promise.reject(new Error("no lamp")));
    const events = await collect(run({ tools: [look] }));
    expect(results(events).map((one) => one.text)).toEqual([
      "error: the arguments of look are not a JSON object",
      "error: there is no tool fly; tools: look",
      "error: the arguments of look are not a JSON object",
      "error: no lamp",
    ]);
    expect(results(events).every((one) => one.isError)).toBe(true);
  });

  it("ends when the model only ever calls", async () => {
    turns = Array.from({ length: 4 }, () => calls(["look", "{}"]));
    const events = collect(run({ tools: [port("look", () => ({ text: "again", isError: false }))] }));
    await expect(events).rejects.toMatchObject({ code: "agent.too-many-turns" });
    expect(requests).toHaveLength(3);
  });

  it("says when an answer ran into its limit", async () => {
    turns = [says("half an ans", "length")];
    expect((await collect(run())).at(-1)).toMatchObject({ answer: "half an ans", isCut: true });
  });

  it.each<[string, Turn]>([
    ["breaks off", (res) => void (res.write(event({ content: "half" })), setImmediate(() => res.destroy()))],
    ["ends without a finish reason", (res) => void res.end(event({ content: "half" }))],
    [
      "ends with an error",
      (res) =>
        void res.end(
          `${event({ content: "half" })}data: {"error":{"message":"out of memory","type":"server_error"}}\n\n`,
        ),
    ],
  ])("never takes a stream for an answer that %s", async (_name, turn) => {
    turns = [turn];
    await expect(collect(run())).rejects.toMatchObject({ code: "agent.model-failed" });
  });

  it("keeps the code and hint of a refusal by the model's API", async () => {
    turns = [
      (res) => {
        res.writeHead(403, { "content-type": "application/json" });
        res.end(
          JSON.stringify({
            error: { message: "policy p forbids m", type: "permission_error", code: "policy.denied", hint: "clear it" },
          }),
        );
      },
    ];
    await expect(collect(run())).rejects.toMatchObject({
      code: "policy.denied",
      message: "policy p forbids m",
      hint: "clear it",
      status: 403,
    });
  });

  it("stops when it is cancelled, in a turn or in a call", async () => {
    turns = [() => undefined];
    const inTurn = new AbortController();
    const turn = collect(run({ signal: inTurn.signal }));
    await expect.poll(() => requests.length).toBe(1);
    inTurn.abort();
    await expect(turn).rejects.toMatchObject({ code: "agent.cancelled" });
    turns = [calls(["look", "{}"])];
    const inCall = new AbortController();
    const look = port("look", () => {
      inCall.abort();
      return Promise.reject(new Error("aborted"));
    });
    await expect(collect(run({ signal: inCall.signal, tools: [look] }))).rejects.toMatchObject({
      code: "agent.cancelled",
    });
  });

  it("refuses two tools of one name, and an agent that is not there", async () => {
    const look = port("look", () => ({ text: "", isError: false }));
    await expect(collect(run({ tools: [look, look] }))).rejects.toMatchObject({ code: "agent.duplicate-tool" });
    await expect(collect(run({ agent: "nobody" }))).rejects.toMatchObject({ code: "agent.unknown-agent" });
  });

  it("offers skills as tools and leaves the instruction alone", async () => {
    turns = [
      calls(
        ["read_skill", '{"name":"notes"}'],
        ["read_skill_file", '{"name":"notes","path":"a.md"}'],
        ["read_skill_file", '{"name":"notes","path":"../b"}'],
      ),
      says("ok"),
    ];
    const skills = [{ name: "notes", description: "How to write notes", body: "Be short.", files: { "a.md": "A" } }];
    const events = await collect(run({ skills }));
    expect(results(events).map((one) => one.text)).toEqual([
      "Be short.\n\nFiles of this skill: a.md",
      "A",
      "notes has no such file; files: a.md",
    ]);
    expect(requests[0]?.tools?.[0]?.function.description).toContain("- notes: How to write notes");
    expect(requests[0]?.messages[0]).toEqual({ role: "system", content: "  Be exact. \n" });
  });
});
