// The same load for gateways that speak HTTP+SSE (2024-11-05) alone: `sse-load.ts URL SESSIONS COUNT ERA ARGUMENTS`.
import { Agent, get, request } from "node:http";

const [address = "", sessions = "1", count = "1", , args = "{}"] = process.argv.slice(2);
const url = new URL(address);
const agent = new Agent({ keepAlive: true });

interface Session {
  call(message: object): Promise<string>;
  tell(message: object): void;
}

async function open(): Promise<Session> {
  const waiting = new Map<number, (answer: string) => void>();
  let text = "";
  const endpoint = await new Promise<URL>((resolve, reject) => {
    get(url, { headers: { accept: "text/event-stream" } }, (res) => {
      res.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        const events = text.split(/\r?\n\r?\n/);
        text = events.pop() ?? "";
        for (const event of events) {
          const data = /^data: ?(.*)$/m.exec(event)?.[1] ?? "";
          if (/^event: ?endpoint/m.test(event)) resolve(new URL(data, url));
          else waiting.get(Number(/"id":(\d+)/.exec(data)?.[1]))?.(data);
        }
      });
    }).on("error", reject);
  });
  const post = (message: object): void => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const req = request(endpoint, { method: "POST", headers, agent }, (res) => res.resume());
    req.end(body);
  };
  let id = 0;
  return {
    tell: post,
    call: (message) =>
      new Promise((resolve) => {
        id += 1;
        const own = id;
        waiting.set(own, (answer) => {
          waiting.delete(own);
          resolve(answer);
        });
        post({ id, ...message });
      }),
  };
}

const opened = await Promise.all(Array.from({ length: Number(sessions) }, open));
for (const session of opened) {
  const params = { protocolVersion: "2024-11-05", capabilities: {}, clientInfo: { name: "load", version: "1" } };
  await session.call({ method: "initialize", params });
  session.tell({ method: "notifications/initialized" });
}
let name: string | undefined;
// Its server may be on its way still.
for (let tries = 0; name === undefined && tries < 100; tries += 1) {
  name = /"name":"([^"]*echo)"/.exec(await opened[0]!.call({ method: "tools/list", params: {} }))?.[1];
  if (name === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
}
process.stdout.write("open\n");
await new Promise((go) => process.stdin.once("data", go));
const begun = performance.now();
const times: number[] = [];
let left = Number(count);
await Promise.all(
  opened.map(async (session) => {
    while (left > 0) {
      left -= 1;
      const at = performance.now();
      const answer = await session.call({
        method: "tools/call",
        params: { name, arguments: JSON.parse(args) as unknown },
      });
      if (!answer.includes('"content"')) throw new Error(`it answers ${answer.slice(0, 400)}`);
      times.push(performance.now() - at);
    }
  }),
);
times.sort((one, other) => one - other);
const wallMs = performance.now() - begun;
process.stdout.write(
  `${JSON.stringify({ wallMs, p50: times[Math.floor(times.length / 2)], p99: times[Math.floor(times.length * 0.99)] })}\n`,
);
process.exit(0);
