// Where the key of a model API goes in a run, and where it must not: a whole daemon, a hostile API, a hostile agent.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDaemon, type RunningDaemon } from "../main.ts";

const KEY = "correct-horse-battery-staple-0123";
const AGENT = "team/helper:1.0.0";

let directory: string;
let daemon: RunningDaemon;
let token: string;
let api: Server;
let apiUrl: string;
const keysSeen: (string | undefined)[] = [];
const logged: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-key-"));
  api = createServer((req, res) => {
    keysSeen.push(req.headers.authorization);
    // What careless APIs do: repeat the key that they do not like.
    res.writeHead(400, { "content-type": "application/json" });
    res.end(
      JSON.stringify({ error: { message: `no good: ${req.headers.authorization?.slice("Bearer ".length) ?? ""}` } }),
    );
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1`;
  daemon = await startDaemon({
    home: join(directory, "home"),
    listen: "127.0.0.1:0",
    environment: { PRATIQUE_CONTAINER_ENABLED: "false" },
    writeLog: (line) => void logged.push(line),
    logLevel: "debug",
  });
  token = (await readFile(join(directory, "home", "token"), "utf8")).trim();
  const source = join(directory, "helper");
  await mkdir(source);
  const agent = `models:
  far:
    provider: openai
    model: m
    base_url: ${apiUrl}
agents:
  root:
    model: far
    description: helps
    instruction: Help.
`;
  await writeFile(join(source, "agent.yaml"), agent);
  await post("/artifacts/pack", { directory: source, reference: AGENT });
  await post("/artifacts/sign", { reference: AGENT });
  await post("/artifacts/clear", { reference: AGENT });
});

afterAll(async () => {
  await daemon.close();
  api.closeAllConnections();
  await rm(directory, { recursive: true, force: true });
});

async function post(path: string, body: object): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(`${daemon.url}/control/v1${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

async function filesWith(secret: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(
    files.map(async (file) => {
      // Some are renamed while we look.
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      return bytes.includes(secret) ? [file] : [];
    }),
  );
  return found.flat();
}

it("reaches the address that the person named, and no record, log or answer when that one repeats it", async () => {
  keysSeen.length = 0;
  const answer = await post("/runs", { agent: AGENT, prompt: "Hello", model: `${apiUrl}#m`, modelKey: KEY });
  expect(answer).toContain("failed");
  expect(keysSeen).toContain(`Bearer ${KEY}`);
  expect(answer).not.toContain(KEY);
  expect(logged.join("")).not.toContain(KEY);
  expect(await filesWith(KEY)).toEqual([]);
});

it("does not reach an address that only the agent names", async () => {
  keysSeen.length = 0;
  await post("/runs", { agent: AGENT, prompt: "Hello", modelKey: KEY });
  expect(keysSeen.length).toBeGreaterThan(0);
  expect(keysSeen).not.toContain(`Bearer ${KEY}`);
});
