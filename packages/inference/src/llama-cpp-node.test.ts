// The engine from npm, for real: its child, its socket, the voyage's model.
import { mkdtemp, rm, stat, truncate, copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLog, type JsonObject } from "@pratique/core";
import type { Engine, ModelFile, RunningModel } from "./engine.ts";
import { findEngine } from "./find-engine.ts";

const path = fileURLToPath(new URL("../../../examples/voyage/model/voyage-q8.gguf", import.meta.url));
let directory: string;
let engine: Engine;
let running: RunningModel;
let model: ModelFile;

const weather = [{ role: "user", content: "What is the weather in Oslo?" }];
const tools = [{ type: "function", function: { name: "get_weather", parameters: { type: "object" } } }];

async function post(body: JsonObject, signal?: AbortSignal) {
  return running.request({
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ temperature: 0, ...body })),
    signal,
  });
}

interface Call {
  function: { name: string; arguments: string };
}
interface Completion {
  choices: {
    finish_reason: string;
    message: { content: string; tool_calls?: Call[] };
    delta: { tool_calls?: Call[] };
  }[];
  usage: { completion_tokens: number };
  error: { type: string };
}

async function complete(body: JsonObject) {
  const response = await post(body);
  return { status: response.statusCode, body: (await json(response)) as Completion };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-host-"));
  model = { reference: "voyage", digest: "sha256:a", path, cleared: true, sizeBytes: (await stat(path)).size };
  engine = await findEngine({ path: "", nodeExecutable: process.execPath, log: silentLog });
  running = await engine.start(model, { socketPath: join(directory, "a.sock") });
});

afterAll(async () => {
  await running.stop();
  await rm(directory, { recursive: true, force: true });
});

describe("the engine from npm", () => {
  it("answers only who has its key", async () => {
    const { request } = await import("node:http");
    const status = await new Promise((resolve) => {
      request({ socketPath: join(directory, "a.sock"), path: "/v1/models" }, (response) =>
        resolve(response.statusCode),
      ).end();
    });
    expect(status).toBe(401);
    expect((await stat(join(directory, "a.sock"))).mode & 0o777).toBe(0o600);
  });

  it("calls a tool when there is one, and only then", async () => {
    const called = await complete({ messages: weather, tools });
    expect(called.body.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { content: "", tool_calls: [{ function: { name: "get_weather", arguments: '{"city":"Oslo"}' } }] },
    });
    const forbidden = await complete({ messages: weather, tools, tool_choice: "none" });
    expect(forbidden.body.choices[0]!).toMatchObject({ finish_reason: "stop", message: { content: "" } });
  });

  it("streams the same answer", async () => {
    const events = (
      await text(await post({ messages: weather, tools, stream: true, stream_options: { include_usage: true } }))
    )
      .split("\n\n")
      .filter((event) => event.startsWith("data: {"))
      .map((event) => JSON.parse(event.slice(6)) as Completion);
    const calls = events.flatMap((event) => event.choices[0]?.delta.tool_calls ?? []);
    expect(calls[0]).toMatchObject({ index: 0, function: { name: "get_weather", arguments: '{"city":"Oslo"}' } });
    expect(events.at(-2)?.choices[0]?.finish_reason).toBe("tool_calls");
    expect(events.at(-1)?.usage).toMatchObject({ completion_tokens: 14 });
  });

  it("stops at max_tokens and at stop strings", async () => {
    const messages = [{ role: "user", content: "Say: candle paper" }];
    const whole = (await complete({ messages })).body.choices[0]!.message.content;
    const cut = await complete({ messages, max_tokens: 2 });
    expect(cut.body.choices[0]!.finish_reason).toBe("length");
    expect(cut.body.usage.completion_tokens).toBe(2);
    const stopped = await complete({ messages, stop: [" "] });
    expect(stopped.body.choices[0]!).toMatchObject({
      finish_reason: "stop",
      message: { content: whole.split(" ")[0] },
    });
  });

  it("repeats itself with the same seed", async () => {
    const body = {
      messages: [{ role: "user", content: "?" }],
      temperature: 2,
      top_k: 0,
      top_p: 1,
      min_p: 0,
      max_tokens: 20,
    };
    const said = async (seed: number) => (await complete({ ...body, seed })).body.choices[0]!.message.content;
    expect(await said(7)).toBe(await said(7));
    expect(new Set([await said(7), await said(8), await said(9)]).size).toBeGreaterThan(1);
  });

  it("gives parallel conversations the answers they would get alone", async () => {
    const cities = ["Oslo", "Bergen", "Paris", "Tokyo", "Lima", "Cairo", "Berlin", "Rome"];
    const answers = await Promise.all(
      cities.map(async (city) => {
        const { body } = await complete({
          messages: [{ role: "user", content: `What is the weather in ${city}?` }],
          tools,
        });
        return body.choices[0]!.message.tool_calls?.[0]?.function.arguments;
      }),
    );
    expect(answers).toEqual(cities.map((city) => JSON.stringify({ city })));
  });

  it("refuses what does not fit its context", async () => {
    const { status, body } = await complete({ messages: [{ role: "user", content: "abc ".repeat(600) }] });
    expect(status).toBe(400);
    expect(body.error.type).toBe("exceed_context_size_error");
  });

  it.each([
    [{ messages: [] }],
    [{ messages: weather, tool_choice: "required" }],
    [{ messages: weather, response_format: { type: "json_object" } }],
    [{ messages: weather, n: 2 }],
    [{ messages: [{ role: "user", content: [{ type: "image_url" }] }] }],
  ])("refuses what it cannot do: %j", async (body) => {
    expect((await complete(body)).status).toBe(400);
  });

  it("stops writing when its client goes away", async () => {
    // More long answers than there are slots: they would block the next one if they went on.
    const gone = Array.from({ length: 8 }, async () => {
      const abort = new AbortController();
      const response = await post(
        { messages: [{ role: "x", content: "" }], temperature: 2, max_tokens: 500, stream: true },
        abort.signal,
      );
      response.on("error", () => undefined);
      abort.abort();
    });
    await Promise.allSettled(gone);
    expect((await complete({ messages: weather, tools })).status).toBe(200);
  });

  it("says what is wrong with a file that is cut short, and leaves nothing running", async () => {
    const cut = join(directory, "cut.gguf");
    await copyFile(path, cut);
    await truncate(cut, 200_000);
    const started = engine.start({ ...model, path: cut }, { socketPath: join(directory, "cut.sock") });
    await expect(started).rejects.toMatchObject({ code: "engine.start-failed" });
  });
});
