// What Node costs without a registry: answers one body from memory with the headers that the registry sends.
// `bare-server.ts`, the body on standard input; says its port on standard output.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const parts: Buffer[] = [];
for await (const chunk of process.stdin) parts.push(Buffer.from(chunk));
const body = Buffer.concat(parts);
const digest = `sha256:${"0".repeat(64)}`;
const server = createServer((req, res) => {
  res.writeHead(200, {
    "Docker-Distribution-API-Version": "registry/2.0",
    "X-Content-Type-Options": "nosniff",
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "Accept-Ranges": "bytes",
    ETag: `"${digest}"`,
    "Content-Length": String(body.length),
  });
  res.end(req.method === "HEAD" ? undefined : body);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
