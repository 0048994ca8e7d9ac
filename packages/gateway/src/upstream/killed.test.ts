// Servers that are killed under calls: what may be repeated costs nobody anything, and nothing is left behind.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "@pratique/sandbox";
import { expect, it, onTestFinished } from "vitest";
import { ROOT } from "../gateway.fixture.ts";
import type { StdioPeer } from "../server-definition.ts";
import {
  httpFake,
  LEGACY_HELLO,
  openTestUpstream,
  replyTo,
  sendEvents,
  sendJson,
  toolCall,
  type TestExchange,
} from "./upstream.fixture.ts";

const CLIENTS = 4;
const CALLS = 25;
const KILL_EVERY = 10;

/** Warnings of Node about listeners that pile up. */
function listenerWarnings(): string[] {
  const seen: string[] = [];
  const note = ({ name, message }: Error): void => void (name === "MaxListenersExceededWarning" && seen.push(message));
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  return seen;
}

/** Many calls at once; `between` is told of each that was answered. */
async function callMany(
  call: () => Promise<unknown>,
  between: (count: number) => void | Promise<void>,
): Promise<number> {
  let answered = 0;
  const client = async (): Promise<void> => {
    for (let count = 0; count < CALLS; count++) {
      await call();
      answered += 1;
      await between(answered);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return answered;
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it("answers every call of a tool that reads while its process is killed again and again", async () => {
  const warnings = listenerWarnings();
  const pids: number[] = [];
  const start = async (): Promise<StdioPeer> => {
    const args = [join(ROOT, "test/fakes/mcp-hostile.ts"), "garbage"];
    const peer = await startProcess({ command: process.execPath, args, env: {}, cwd: tmpdir() });
    pids.push(Number(peer.id));
    return peer;
  };
  const { upstream } = openTestUpstream({ type: "stdio", start }, { verdicts: { odd: { readOnly: true } } });
  const signals: TestExchange[] = [];
  const call = async (): Promise<unknown> => {
    const exchange = toolCall("odd");
    signals.push(exchange);
    return await upstream.send(exchange);
  };
  const answered = await callMany(call, (count) => {
    const pid = pids.at(-1);
    if (count % KILL_EVERY === 0 && pid !== undefined && isAlive(pid)) process.kill(pid, "SIGKILL");
  });
  expect(answered).toBe(CLIENTS * CALLS);
  expect(pids.length).toBeGreaterThan(3);
  await upstream.close();
  expect(pids.filter(isAlive)).toEqual([]);
  expect(warnings).toEqual([]);
  // Cancelling what is over does nothing any more.
  for (const exchange of signals) exchange.cancel();
});

it("answers every call of a tool that reads while its server over HTTP comes and goes", async () => {
  const warnings = listenerWarnings();
  const before = openSockets();
  let session = 0;
  const fake = await httpFake(({ message, headers, method }, res) => {
    const isKnown = headers["mcp-session-id"] === `s${session}`;
    if (message?.method === "initialize")
      sendJson(res, replyTo(message, LEGACY_HELLO), { "mcp-session-id": `s${session}` });
    else if (!isKnown) sendJson(res, replyTo({ params: {} }, { code: -32_000, message: "no valid session" }), {}, 400);
    else if (method === "GET") sendEvents(res, []);
    else if (message?.id === undefined) res.writeHead(202).end();
    else if (message.method === "tools/call") sendEvents(res, [replyTo(message, { content: [] })]);
    else sendJson(res, replyTo(message, { tools: [] }));
  });
  const { upstream } = openTestUpstream({ type: "http", url: fake.url }, { verdicts: { reads: { readOnly: true } } });
  const answered = await callMany(
    () => upstream.send(toolCall("reads")),
    async (count) => {
      if (count % (2 * KILL_EVERY) !== 0) return;
      session += 1;
      await fake.stop();
      await fake.start();
    },
  );
  expect(answered).toBe(CLIENTS * CALLS);
  await upstream.close();
  await fake.stop();
  expect(warnings).toEqual([]);
  await expect.poll(openSockets).toBeLessThanOrEqual(before);
});
