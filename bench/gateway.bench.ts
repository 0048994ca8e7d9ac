// The gateway with policy, audit and secret guard on, beside a proxy that only passes bytes on and two gateways from npm:
// CPU of the gateway's process per call, and the time of a call. `PRATIQUE_BENCH_ONLY=calls|sizes|lists|start`,
// `PRATIQUE_BENCH_SCALE=0.1` for a quick look.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { startDirect, startMcpHub, startMcpProxy, startOurs, startRawProxy, type Target } from "./gateway/gateways.ts";
import { median, printTable } from "./measure.ts";
import { cpuSeconds } from "./registry/servers.ts";

const ROUNDS = 3;
const scale = Number(process.env["PRATIQUE_BENCH_SCALE"] ?? "1");
const only = process.env["PRATIQUE_BENCH_ONLY"];
const isWanted = (part: string): boolean => only === undefined || only === part;

interface Load {
  readonly sessions: number;
  readonly count: number;
  readonly era?: "legacy" | "modern";
  readonly args?: string;
  readonly method?: string;
}

interface Sample {
  readonly cpuMs: number;
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** One run: its sessions are opened and warmed up before anything is counted. */
async function run(
  target: Target,
  { sessions, count, era = "legacy", args = '{"text":"ahoy"}', method }: Load,
): Promise<Sample> {
  const calls = Math.max(sessions * 4, Math.round(count * scale));
  const file = join(import.meta.dirname, "gateway", target.isSse === true ? "sse-load.ts" : "load.ts");
  const child = spawn(
    process.execPath,
    [file, target.url, String(sessions), String(calls), era, args, ...(method === undefined ? [] : [method])],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...(target.authorization === undefined ? {} : { AUTHORIZATION: target.authorization }) },
    },
  );
  const lines = child.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${target.name} did not hold the load`);
    return String(value);
  };
  await line();
  const before = cpuSeconds(target.pid);
  child.stdin.write("go\n");
  const told = JSON.parse(await line()) as { wallMs: number; p50: number; p99: number };
  const cpuMs = ((cpuSeconds(target.pid) - before) * 1000) / calls;
  return { cpuMs, p50: told.p50, p99: told.p99, perSecond: (calls / told.wallMs) * 1000 };
}

/** Targets in turn, so that what disturbs one disturbs all; the first round warms up. */
async function compare(targets: readonly Target[], load: (target: Target) => Load): Promise<Map<Target, Sample>> {
  const samples = new Map<Target, Sample[]>(targets.map((target) => [target, []]));
  for (let round = 0; round <= ROUNDS; round++)
    for (const target of targets) {
      const sample = await run(target, load(target));
      if (round > 0) samples.get(target)!.push(sample);
    }
  const middle = (list: readonly Sample[], key: keyof Sample): number => median(list.map((sample) => sample[key]));
  return new Map(
    [...samples].map(([target, list]) => [
      target,
      {
        cpuMs: middle(list, "cpuMs"),
        p50: middle(list, "p50"),
        p99: middle(list, "p99"),
        perSecond: middle(list, "perSecond"),
      },
    ]),
  );
}

const portOf = ({ url }: Target): number => Number(new URL(url).port);
const HEAD = ["", "CPU ms a call", "× raw proxy", "p50 ms", "p99 ms", "calls/s"];

function rows(samples: ReadonlyMap<Target, Sample>, floor: Target): (string | number)[][] {
  const base = samples.get(floor)!.cpuMs;
  return [...samples].map(([{ name }, { cpuMs, p50, p99, perSecond }]) => [
    name,
    cpuMs.toFixed(3),
    name === "direct" ? "" : (cpuMs / base).toFixed(2),
    p50.toFixed(2),
    p99.toFixed(2),
    Math.round(perSecond),
  ]);
}

async function withTargets(
  work: (targets: { direct: Target; raw: Target; ours: Target; modern: Target; peers: Target[] }) => Promise<void>,
): Promise<void> {
  const direct = await startDirect();
  const raw = await startRawProxy(portOf(direct));
  const ours = await startOurs({ mock: direct.url });
  const peers = (await Promise.all([startMcpProxy(), startMcpHub(direct.url)])).filter((peer) => peer !== undefined);
  try {
    const modern = { ...ours, name: "Pratique, client of 2026-07-28" };
    await work({ direct, raw, ours, modern, peers });
  } finally {
    for (const target of [...peers, ours, raw, direct]) await target.stop();
  }
}

if (isWanted("calls"))
  await withTargets(async ({ direct, raw, ours, modern, peers }) => {
    for (const [sessions, count] of [
      [1, 3000],
      [16, 6000],
      [64, 6000],
    ] as const) {
      const samples = await compare([direct, raw, ours, modern, ...peers], (target) => ({
        sessions,
        count,
        era: target === modern ? "modern" : "legacy",
      }));
      printTable(
        `tools/call, ${sessions} ${sessions === 1 ? "session" : "sessions"}, a server that costs nothing`,
        HEAD,
        rows(samples, raw),
      );
    }
  });

if (isWanted("sizes"))
  await withTargets(async ({ direct, raw, ours, peers }) => {
    for (const [bytes, count] of [
      [10_000, 2000],
      [100_000, 600],
    ] as const) {
      const samples = await compare([direct, raw, ours, ...peers], () => ({
        sessions: 4,
        count,
        args: `{"bytes":${bytes}}`,
      }));
      printTable(`tools/call, a result of ${bytes / 1000} KB, 4 sessions`, HEAD, rows(samples, raw));
    }
  });

if (isWanted("lists")) {
  const many = await Promise.all(Array.from({ length: 20 }, () => startDirect(35)));
  const ours = await startOurs(Object.fromEntries(many.map(({ url }, index) => [`server-${index}`, url])));
  const modern = { ...ours, name: "Pratique, client of 2026-07-28" };
  const samples = await compare([ours, modern], (target) => ({
    sessions: 1,
    count: 300,
    method: "tools/list",
    era: target === modern ? "modern" : "legacy",
  }));
  printTable(
    "tools/list over 20 servers with 36 tools each, warm",
    ["", "CPU ms a list", "p50 ms", "p99 ms"],
    [...samples].map(([{ name }, { cpuMs, p50, p99 }]) => [name, cpuMs.toFixed(3), p50.toFixed(2), p99.toFixed(2)]),
  );
  await ours.stop();
  for (const target of many) await target.stop();
}

if (isWanted("start")) {
  const took: { direct: number; cold: number; ours: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const direct = await startDirect();
    const other = await startDirect();
    const ours = await startOurs({ mock: direct.url, other: other.url });
    // The first call of all also loads what calls need; that of a server that was just started does not.
    const cold = await firstCall({ ...ours, url: `${ours.url}/other` });
    took.push({
      direct: await firstCall(direct),
      cold,
      ours: await firstCall({ ...ours, url: `${ours.url}/mock` }),
    });
    await ours.stop();
    await other.stop();
    await direct.stop();
  }
  const [direct, ours] = [median(took.map((one) => one.direct)), median(took.map((one) => one.ours))];
  const cold = median(took.map((one) => one.cold));
  printTable(
    "first call of a session, initialize included",
    ["", "ms", "over direct"],
    [
      ["direct", direct.toFixed(1), ""],
      ["Pratique, which reaches the server for the first time", ours.toFixed(1), (ours - direct).toFixed(1)],
      ["the very first call since the daemon started", cold.toFixed(1), (cold - direct).toFixed(1)],
    ],
  );
}

/** From nothing to the answer of a call. */
async function firstCall({ url, authorization }: Target): Promise<number> {
  const begun = performance.now();
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...(authorization === undefined ? {} : { authorization }),
  };
  const send = async (message: object): Promise<Response> => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    return await fetch(url, { method: "POST", headers, body });
  };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } };
  const opened = await send({ id: 1, method: "initialize", params });
  await opened.text();
  const session = opened.headers.get("mcp-session-id");
  if (session !== null) headers["mcp-session-id"] = session;
  await (await send({ method: "notifications/initialized" })).text();
  const answer = await send({ id: 2, method: "tools/call", params: { name: "echo", arguments: { text: "ahoy" } } });
  const text = await answer.text();
  if (!text.includes("ahoy")) throw new Error(`it answers ${text.slice(0, 400)}`);
  return performance.now() - begun;
}
