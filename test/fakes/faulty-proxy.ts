// A proxy before an HTTP server that fails on command: refuses, cuts answers off, or loses them.
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * `pass`; `refuse` with 503 before the server hears of it; `cut` the answer after half of its body; `lose` the answer
 * after the server has acted.
 */
export type Fault = "pass" | "refuse" | "cut" | "lose";

export interface FaultyProxy {
  readonly endpoint: URL;
  /** Decides for each request; by default all pass. */
  fault: (method: string, path: string) => Fault;
  readonly requests: string[];
  stop(): Promise<void>;
}

export async function startFaultyProxy(target: URL): Promise<FaultyProxy> {
  const server = createServer((req, res) => {
    const fault = proxy.fault(req.method ?? "", req.url ?? "");
    proxy.requests.push(`${req.method} ${req.url}`);
    if (fault === "refuse") {
      req.resume();
      res.writeHead(503).end();
      return;
    }
    forward(target, req, res, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: FaultyProxy = {
    endpoint: new URL(`http://127.0.0.1:${port}`),
    fault: () => "pass",
    requests: [],
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function forward(target: URL, req: IncomingMessage, res: ServerResponse, fault: Fault): void {
  // The Host header goes along as it came: it is part of what was signed.
  const { hostname: host, port } = target;
  const outgoing = request({ host, port, method: req.method, path: req.url, headers: req.headers }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.on("end", () => {
      const body = Buffer.concat(chunks);
      if (fault === "lose") return res.socket?.destroy();
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault === "pass") return res.end(body);
      res.write(body.subarray(0, Math.floor(body.length / 2)), () => res.socket?.destroy());
    });
  });
  outgoing.on("error", () => res.socket?.destroy());
  req.pipe(outgoing);
}
