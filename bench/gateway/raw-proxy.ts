// What Node costs without a gateway: passes requests and answers on as they come. `raw-proxy.ts PORT`; says its own port.
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
process.stdin.resume().on("end", () => process.exit());
const server = createServer((req, res) => {
  const { method = "GET", url = "/", headers } = req;
  const there = request({ host: "127.0.0.1", port, method, path: url, headers, agent }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(res);
  });
  there.on("error", () => res.destroy());
  req.pipe(there);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
