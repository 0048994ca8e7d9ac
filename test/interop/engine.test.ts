// Real engines on the real model of the voyage: both give the same answers, and an agent runs on each.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { parseAgentFile, runAgent, type AgentTool, type RunEvent, type ToolPort } from "@pratique/agents";
import type { AuditRecord, WorkloadPrincipal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import {
  createInference,
  findEngine,
  type Engine,
  type Inference,
  type ModelFile,
  type RunningModel,
} from "@pratique/inference";
import { loadPolicySet } from "@pratique/policy";
import { llamaServerOrSkip } from "./peers/llama-server.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const modelPath = join(repository, "examples/voyage/model/voyage-q8.gguf");
const SYSTEM = "You are Voyage, a harbour assistant. Use the tools and answer from their results.";
const DENIED = "denied: policy no-writes forbids write_note";
/** Twenty cities of the model's training. */
const CITIES =
  "Oslo Bergen Paris Tokyo Lima Cairo Berlin Rome Delhi Quito Prague Dublin Seoul Athens Vienna Madrid Lisbon Hamburg Bremen Kiel".split(
    " ",
  );
const SKIES = ["rain", "sun", "snow", "fog", "storm"];

const tools: AgentTool[] = [
  { name: "get_weather", description: "Weather of a city", properties: ["city"] },
  { name: "list_harbours", description: "Harbours of a country", properties: ["country"] },
  { name: "read_note", description: "Read a note", properties: ["name"] },
  { name: "write_note", description: "Write a note", properties: ["name", "text"] },
].map(({ name, description, properties }) => ({
  name,
  description,
  inputSchema: {
    type: "object",
    properties: Object.fromEntries(properties.map((property) => [property, { type: "string" }])),
    required: properties,
  },
}));

type Kind = Engine["id"];
const KINDS: readonly Kind[] = ["llama-cpp-node", "llama-server"];

interface Message {
  role: string;
  content: string | null;
  tool_call_id?: string;
  tool_calls?: { id: string; type: string; function: { name: string; arguments: string } }[];
}

interface Answer {
  finish: string;
  text: string;
  calls: { name: string; arguments: unknown }[];
  tokens: number;
  message: Message;
}

let directory: string;
let model: ModelFile;
const engines = new Map<Kind, Engine>();
const running = new Map<Kind, RunningModel>();
const figures = new Map<Kind, { startMs: number; rssMb: number; tokensPerSecond: number; agentMs: number }>();

function pathWith(): string {
  return "/usr/local/bin:/usr/bin:/bin";
}

async function engineOf(kind: Kind, context: TestContext): Promise<Engine> {
  const known = engines.get(kind);
  if (known !== undefined) return known;
  const llamaServer = kind === "llama-server" ? await llamaServerOrSkip(context) : undefined;
  // An empty PATH keeps a llama-server of the machine from standing in for the engine from npm.
  const path = kind === "llama-server" ? pathWith() : "";
  const engine = await findEngine({ llamaServer, path, nodeExecutable: process.execPath, log: silentLog });
  engines.set(kind, engine);
  return engine;
}

async function runningModel(kind: Kind, context: TestContext): Promise<RunningModel> {
  const known = running.get(kind);
  if (known !== undefined) return known;
  const engine = await engineOf(kind, context);
  const start = performance.now();
  const started = await engine.start(model, { socketPath: join(directory, `${kind}.sock`) });
  running.set(kind, started);
  const startMs = performance.now() - start;
  figures.set(kind, { startMs, rssMb: await rssMb(started.pid), tokensPerSecond: 0, agentMs: 0 });
  return started;
}

async function rssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

async function ask(engine: RunningModel, messages: readonly Message[]): Promise<Answer> {
  const body = {
    model: "any",
    messages,
    temperature: 0,
    tools: tools.map(({ name, description, inputSchema }) => ({
      type: "function",
      function: { name, description, parameters: inputSchema },
    })),
  };
  const response = await engine.request({
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(body)),
  });
  const answer = (await json(response)) as {
    choices: [{ finish_reason: string; message: Message }];
    usage: { completion_tokens: number };
  };
  const [choice] = answer.choices;
  return {
    finish: choice.finish_reason,
    text: choice.message.content ?? "",
    calls: (choice.message.tool_calls ?? []).map((call) => ({
      name: call.function.name,
      arguments: JSON.parse(call.function.arguments) as unknown,
    })),
    tokens: answer.usage.completion_tokens,
    message: choice.message,
  };
}

/** A whole dialogue: what the model said at each step, its tools answered from a table. */
async function dialogue(
  engine: RunningModel,
  prompt: string,
  results: Readonly<Record<string, string>>,
): Promise<Answer[]> {
  const messages: Message[] = [
    { role: "system", content: SYSTEM },
    { role: "user", content: prompt },
  ];
  const said: Answer[] = [];
  for (let step = 0; step < 4; step += 1) {
    const answer = await ask(engine, messages);
    said.push(answer);
    if (answer.calls.length === 0) break;
    messages.push(answer.message);
    for (const call of answer.message.tool_calls ?? []) {
      messages.push({ role: "tool", tool_call_id: call.id, content: results[call.function.name] ?? "not found" });
    }
  }
  return said;
}

const weatherOf = (city: string, index: number) => {
  const sky = SKIES[index % SKIES.length]!;
  const temperature = (index * 7) % 30;
  return { json: JSON.stringify({ city, sky, temp_c: temperature }), text: `${city}: ${sky}, ${temperature} C` };
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-engine-"));
  model = {
    reference: "voyage/harbour-model:1.0.0",
    digest: `sha256:${"a".repeat(64)}`,
    path: modelPath,
    cleared: true,
    sizeBytes: (await stat(modelPath)).size,
  };
});

afterAll(async () => {
  for (const engine of running.values()) await engine.stop();
  await rm(directory, { recursive: true, force: true });
  for (const [kind, { startMs, rssMb, tokensPerSecond, agentMs }] of figures) {
    const cells = [
      `start ${startMs.toFixed(0)} ms`,
      `RSS ${rssMb.toFixed(0)} MB`,
      `${tokensPerSecond.toFixed(0)} tokens/s`,
    ];
    process.stderr.write(
      `${kind} ${engines.get(kind)?.version}: ${cells.join(", ")}, agent run ${agentMs.toFixed(0)} ms\n`,
    );
  }
});

describe.each(KINDS)("%s", (kind) => {
  it("answers the phrases of the model's README", async (context) => {
    const engine = await runningModel(kind, context);
    let weather = 0;
    let saved = 0;
    let refused = 0;
    let tokens = 0;
    const start = performance.now();
    for (const [index, city] of CITIES.entries()) {
      const { json: result, text } = weatherOf(city, index);
      const simple = await dialogue(engine, `What is the weather in ${city}?`, { get_weather: result });
      if (simple.at(-1)?.text === text) weather += 1;
      const prompt = `Get the weather in ${city} and save it as note log`;
      const allowed = await dialogue(engine, prompt, { get_weather: result, write_note: "ok" });
      const note = allowed[1]?.calls[0];
      if (note?.name === "write_note" && JSON.stringify(note.arguments) === JSON.stringify({ name: "log", text }))
        saved += 1;
      const denied = await dialogue(engine, prompt, { get_weather: result, write_note: DENIED });
      if (denied.length === 3 && denied[2]?.text.includes("policy no-writes")) refused += 1;
      for (const answer of [...simple, ...allowed, ...denied]) tokens += answer.tokens;
    }
    const shown = figures.get(kind);
    if (shown !== undefined) shown.tokensPerSecond = (tokens / (performance.now() - start)) * 1000;
    // It copies "Cairo" and "Prague" badly in the first phrase: a limit of the model, the same on both engines.
    expect({ weather, saved, refused }).toEqual({ weather: 18, saved: 20, refused: 20 });
  });

  it("runs an agent whose second call is denied, behind the guard and the default policies", async (context) => {
    const engine = await engineOf(kind, context);
    const records: AuditRecord[] = [];
    const server = await openFront(engine, records);
    const file = parseAgentFile(await readFile(join(repository, "examples/voyage/agent/agent.yaml"), "utf8"));
    const start = performance.now();
    const events: RunEvent[] = [];
    try {
      const run = runAgent({
        file,
        prompt: "Get the weather in Oslo and save it as note log",
        model: { baseUrl: server.url, token: "run-token", name: model.reference },
        tools: [scriptedTools()],
        skills: [
          { name: "harbour-notes", description: "How notes are written", body: "Write short notes.", files: {} },
        ],
        clock: systemClock,
      });
      for await (const event of run) events.push(event);
    } finally {
      await server.close();
    }
    const shown = figures.get(kind);
    if (shown !== undefined) shown.agentMs = performance.now() - start;
    const calls = events.filter((event) => event.type === "tool-call");
    expect(calls.map(({ tool, arguments: args }) => ({ tool, args }))).toEqual([
      { tool: "get_weather", args: { city: "Oslo" } },
      { tool: "write_note", args: { name: "log", text: "Oslo: rain, 7 C" } },
    ]);
    expect(events.filter((event) => event.type === "tool-result")[1]).toMatchObject({ text: DENIED, decision: "deny" });
    const [last] = events.slice(-1);
    expect(last).toMatchObject({
      type: "finished",
      answer: "I was not allowed to write the note: policy no-writes forbids it.",
      turns: 3,
    });
    expect(records.map(({ action, outcome, resource }) => ({ action, outcome, id: resource.id }))).toEqual(
      Array.from({ length: 3 }, () => ({ action: "model:invoke", outcome: "done", id: model.reference })),
    );
    expect(records[0]?.details).toMatchObject({ promptTokens: 69, completionTokens: 14, stream: true, route: "local" });
  });

  it("is started again after it was killed", async (context) => {
    const server = await openFront(await engineOf(kind, context), []);
    const complete = async () => {
      const response = await fetch(`${server.url}/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer run-token" },
        body: JSON.stringify({
          model: model.reference,
          messages: [{ role: "user", content: "Say: calm" }],
          temperature: 0,
        }),
      });
      return response.status;
    };
    try {
      expect(await complete()).toBe(200);
      const [before] = server.running();
      process.kill(before!.pid, "SIGKILL");
      await expect.poll(() => server.running()).toEqual([]);
      expect(await complete()).toBe(200);
      expect(server.running()[0]?.pid).not.toBe(before?.pid);
    } finally {
      await server.close();
    }
  });

  it("ends when the process that started it is killed", async (context) => {
    await engineOf(kind, context);
    const llamaServer = kind === "llama-server" ? await llamaServerOrSkip(context) : undefined;
    const script = `
      import { findEngine } from "@pratique/inference";
      import { silentLog } from "@pratique/core";
      const engine = await findEngine(${JSON.stringify({ llamaServer, path: kind === "llama-server" ? pathWith() : "", nodeExecutable: process.execPath })});
      const running = await engine.start(${JSON.stringify(model)}, { socketPath: ${JSON.stringify(join(directory, `${kind}-orphan.sock`))} });
      process.stdout.write(String(running.pid) + "\\n");
      setInterval(() => undefined, 1000);
    `.replace('"nodeExecutable"', '"log": silentLog, "nodeExecutable"');
    const parent = execFile(process.execPath, ["--input-type=module", "-e", script], { cwd: join(repository, "test") });
    const pid = await new Promise<number>((resolve, reject) => {
      parent.stdout?.once("data", (text) => resolve(Number(text)));
      parent.stderr?.once("data", (text) => reject(new Error(String(text))));
    });
    expect(await rssMb(pid)).toBeGreaterThan(0);
    parent.kill("SIGKILL");
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });
});

it("answers the same on both engines", async (context) => {
  const [npm, debian] = [await runningModel("llama-cpp-node", context), await runningModel("llama-server", context)];
  const prompts = CITIES.slice(0, 8).flatMap((city) => [
    `What is the weather in ${city}?`,
    `Get the weather in ${city} and save it as note ${city.toLowerCase()}`,
    "Which harbours are in Norway?",
    `Read the note ${city.toLowerCase()}`,
    `Save a note called log: calm sea at ${city}`,
  ]);
  const results = {
    get_weather: weatherOf("Oslo", 0).json,
    list_harbours: '["Bergen","Oslo"]',
    read_note: "calm sea",
    write_note: "ok",
  };
  // llama-server lets a stray closing tag through; the engine from npm never shows call markup.
  const visible = (text: string) => text.replace(/\s*<\/tool_call>$/, "").trimEnd();
  const plain = (answers: readonly Answer[]) =>
    answers.map(({ finish, text, calls, tokens }) => ({ finish, text: visible(text), calls, tokens }));
  const differing: string[] = [];
  for (const prompt of prompts) {
    const [ours, theirs] = [await dialogue(npm, prompt, results), await dialogue(debian, prompt, results)].map(plain);
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) differing.push(prompt);
  }
  expect(differing).toEqual([]);
});

async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return status !== "" && !/State:\s+Z/.test(status);
}

/** The server of the example, as far as the dialogue needs it; its second tool is denied as the gateway would. */
function scriptedTools(): ToolPort {
  return {
    list: async () => tools,
    call: async (name) =>
      name === "get_weather"
        ? { text: weatherOf("Oslo", 0).json.replace('"temp_c":0', '"temp_c":7'), isError: false, decision: "allow" }
        : { text: DENIED, isError: true, decision: "deny", policy: "no-writes" },
    close: async () => undefined,
  };
}

interface Front {
  readonly url: string;
  running(): ReturnType<Inference["running"]>;
  close(): Promise<void>;
}

/** The front at /v1 over a real guard with the default policies; records are kept in memory. */
async function openFront(engine: Engine, records: AuditRecord[]): Promise<Front> {
  const policies = join(repository, "policies");
  const names = (await readdir(policies)).filter((name) => name.endsWith(".cedar"));
  const texts = await Promise.all(
    names.map(async (name) => [name, await readFile(join(policies, name), "utf8")] as const),
  );
  const schema = await readFile(join(policies, "pratique.cedarschema"), "utf8");
  const set = loadPolicySet({ schema, files: Object.fromEntries(texts) });
  const guard = createGuard({
    policy: () => set,
    clock: systemClock,
    log: silentLog,
    audit: {
      append: async (body) => {
        const record = {
          ...body,
          version: 1 as const,
          id: `record-${records.length}`,
          sequence: records.length,
          time: "2026-01-01T00:00:00Z",
        };
        records.push(record);
        return record;
      },
    },
  });
  const owner = { type: "User" as const, id: "owner", name: "owner", groups: ["owner"] };
  const principal: WorkloadPrincipal = {
    type: "Workload",
    id: "spiffe://pratique.local/run/1/agent/root",
    groups: [],
    actingFor: owner,
    run: "1",
  };
  const inference = createInference({
    guard,
    engine: async () => engine,
    resolve: async (name) => (name === model.reference ? { type: "local", model } : undefined),
    list: async () => [{ id: model.reference, created: 0 }],
    runDirectory: directory,
    clock: systemClock,
    log: silentLog,
  });
  const server = createServer((req, res) => {
    const isKnown = req.headers.authorization === "Bearer run-token";
    void inference.handle(req, res, {
      principal: isKnown ? principal : undefined,
      path: (req.url ?? "").slice("/v1".length),
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    running: () => inference.running(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await inference.close();
    },
  };
}
