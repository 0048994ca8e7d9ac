// One large body, pushed or pulled over a raw socket: `large.ts pull|push PORT BYTES`, the head of the request on
// standard input. A push sends the block of `BLOCK_BYTES` over and over.
import { once } from "node:events";
import { connect } from "node:net";
import { BLOCK } from "./block.ts";

const [mode, port, bytes] = process.argv.slice(2);
const sizeBytes = Number(bytes);
const parts: Buffer[] = [];
for await (const chunk of process.stdin) parts.push(Buffer.from(chunk));

let seen = 0;
let head = "";
const buffer = Buffer.alloc(1024 * 1024);
const socket = connect({
  port: Number(port),
  host: "127.0.0.1",
  onread: {
    buffer,
    callback: (count, into) => {
      if (seen < 4096) head += Buffer.from(into.buffer, into.byteOffset, Math.min(count, 4096)).toString("latin1");
      seen += count;
      const answered = head.indexOf("\r\n\r\n");
      const isDone = answered >= 0 && (mode === "push" || seen >= answered + 4 + sizeBytes);
      if (isDone) socket.end();
      return true;
    },
  },
});
await once(socket, "connect");
socket.write(Buffer.concat(parts));
if (mode === "push") {
  for (let sent = 0; sent < sizeBytes; sent += BLOCK.length) {
    if (!socket.write(BLOCK)) await once(socket, "drain");
  }
}
await once(socket, "close");
const status = head.split("\r\n")[0] ?? "";
if (!/^HTTP\/1\.1 20[01]/.test(status)) throw new Error(`it answers ${status}`);
