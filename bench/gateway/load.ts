// Sessions that call a tool one call after the other over raw sockets, so that the load costs little beside the gateway.
// `load.ts URL SESSIONS COUNT ERA ARGUMENTS [METHOD]`, the Authorization header in AUTHORIZATION. Prints percentiles as JSON.
import { connect, type Socket } from "node:net";

const [address = "", sessions = "1", count = "1", era = "legacy", args = "{}", method = "tools/call"] =
  process.argv.slice(2);
const url = new URL(address);
const authorization = process.env["AUTHORIZATION"];

const common = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  ...(authorization === undefined ? {} : { authorization }),
};

/** Headers of a session that was opened for them. */
async function open(): Promise<Record<string, string>> {
  if (era === "modern") {
    const named = method === "tools/call" ? { "mcp-name": "echo" } : {};
    return { ...common, "mcp-protocol-version": "2026-07-28", "mcp-method": method, ...named };
  }
  const send = (message: object, more: Record<string, string> = {}) =>
    fetch(url, {
      method: "POST",
      headers: { ...common, ...more },
      body: JSON.stringify({ jsonrpc: "2.0", ...message }),
    });
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "load", version: "1" } };
  const response = await send({ id: 0, method: "initialize", params });
  if (!response.ok) throw new Error(`initialize is answered with ${response.status}: ${await response.text()}`);
  await response.text();
  const session = response.headers.get("mcp-session-id");
  const headers = {
    ...common,
    "mcp-protocol-version": "2025-11-25",
    ...(session === null ? {} : { "mcp-session-id": session }),
  };
  await (await send({ method: "notifications/initialized" }, headers)).text();
  return headers;
}

const META =
  era === "modern"
    ? ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"load","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}'
    : "";

function bodyOf(id: number): string {
  const params = method === "tools/call" ? `"name":"echo","arguments":${args}${META}` : META.slice(1);
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${params}}}`;
}

function requestOf(head: string, id: number): Buffer {
  const body = bodyOf(id);
  return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/** True when a whole answer is there: by its length, or by the end of its last chunk. */
function isWhole(answer: Buffer): boolean {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = answer.toString("latin1", 0, end);
  if (!head.startsWith("HTTP/1.1 200")) throw new Error(`it answers ${answer.toString("utf8").slice(0, 600)}`);
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  if (length === undefined) return answer.subarray(-5).toString("latin1") === "0\r\n\r\n";
  return answer.length >= end + 4 + Number(length);
}

let left = Number(count);
let sent = 0;
const times: number[] = [];

function drive(socket: Socket, head: string, done: () => void): void {
  let parts: Buffer[] = [];
  let begun = 0;
  const next = (): void => {
    if (left <= 0) return void socket.end();
    left -= 1;
    begun = performance.now();
    socket.write(requestOf(head, (sent += 1)));
  };
  socket.on("data", (chunk: Buffer) => {
    parts.push(chunk);
    const answer = parts.length === 1 ? chunk : Buffer.concat(parts);
    if (!isWhole(answer)) return;
    if (times.length === 0 && !answer.includes('"result"'))
      throw new Error(`it answers ${answer.toString().slice(0, 600)}`);
    times.push(performance.now() - begun);
    parts = [];
    next();
  });
  socket.on("error", (error) => {
    throw error;
  });
  socket.on("close", done);
  next();
}

const heads: string[] = [];
for (let session = 0; session < Number(sessions); session++) {
  const headers = { host: url.host, ...(await open()) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  heads.push(`POST ${url.pathname} HTTP/1.1\r\n${lines.join("")}`);
}
// The caller reads the CPU time of the gateway between these two lines.
process.stdout.write("open\n");
await new Promise((go) => process.stdin.once("data", go));
const begun = performance.now();
await Promise.all(
  heads.map(
    (head) =>
      new Promise<void>((done) => {
        const socket = connect({ port: Number(url.port), host: "127.0.0.1", noDelay: true }, () =>
          drive(socket, head, done),
        );
      }),
  ),
);
const wallMs = performance.now() - begun;
times.sort((one, other) => one - other);
process.stdout.write(
  `${JSON.stringify({ wallMs, p50: times[Math.floor(times.length / 2)], p99: times[Math.floor(times.length * 0.99)] })}\n`,
);
process.exit(0);
