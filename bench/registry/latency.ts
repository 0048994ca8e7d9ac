// Latencies of pulls: `latency.ts PORT CONNECTIONS`, `{authorization, paths}` on the first line of standard input.
// Pulls the paths in turn on every connection until the input ends, then prints the milliseconds of each path.
import { Agent, request } from "node:http";
import { createInterface } from "node:readline";

const [port, connections] = process.argv.slice(2).map(Number);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
const { authorization, paths } = JSON.parse(String(first.value)) as { authorization: string; paths: string[] };
const took: Record<string, number[]> = Object.fromEntries(paths.map((path) => [path, []]));
const state = { isOver: false };
const over = lines.next().then(() => (state.isOver = true));
const agent = new Agent({ keepAlive: true, maxSockets: connections ?? 1 });

function pull(path: string): Promise<void> {
  return new Promise((done, fail) => {
    const begun = performance.now();
    const outgoing = request({ agent, host: "127.0.0.1", port, path, headers: { authorization } }, (answer) => {
      if (answer.statusCode !== 200) fail(new Error(`${path} answers ${answer.statusCode}`));
      answer.on("data", () => undefined);
      answer.on("error", fail);
      answer.on("end", () => {
        took[path]!.push(performance.now() - begun);
        done();
      });
    });
    outgoing.on("error", fail);
    outgoing.end();
  });
}

async function client(offset: number): Promise<void> {
  for (let turn = offset; !state.isOver; turn += 1) await pull(paths[turn % paths.length]!);
}

await Promise.all(Array.from({ length: connections ?? 1 }, (_, offset) => client(offset)));
await over;
agent.destroy();
process.stdout.write(JSON.stringify(took));
