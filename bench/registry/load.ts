// The load: raw sockets that send one prepared request again and again and only count what comes back, so that it costs
// little beside the server. Run as a process of its own: `load.ts PORT CONNECTIONS COUNT`, the request on standard input.
import { connect, type Socket } from "node:net";

const [port = 0, connections = 1, count = 1] = process.argv.slice(2).map(Number);
const parts: Buffer[] = [];
for await (const chunk of process.stdin) parts.push(Buffer.from(chunk));
const request = Buffer.concat(parts);
const isHead = request.subarray(0, 5).toString("latin1") === "HEAD ";

/** Length of a whole answer; every answer to the same request has the same. */
function lengthOf(answer: Buffer): number | undefined {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = answer.toString("latin1", 0, end);
  if (!head.startsWith("HTTP/1.1 200")) throw new Error(`it answers ${head.split("\r\n")[0]}`);
  const body = /^content-length: *(\d+)$/im.exec(head)?.[1];
  if (body === undefined) throw new Error("it answers without a length");
  return end + 4 + (isHead ? 0 : Number(body));
}

let left = count;
let wholeBytes: number | undefined;

function drive(socket: Socket, done: () => void): void {
  let seen = 0;
  let first: Buffer | undefined = wholeBytes === undefined ? Buffer.alloc(0) : undefined;
  const next = (): void => {
    if (left <= 0) return void socket.end();
    left -= 1;
    socket.write(request);
  };
  socket.on("data", (chunk: Buffer) => {
    seen += chunk.length;
    if (first !== undefined && wholeBytes === undefined) {
      first = Buffer.concat([first, chunk]);
      wholeBytes = lengthOf(first);
    }
    if (wholeBytes === undefined || seen < wholeBytes) return;
    if (seen > wholeBytes) throw new Error(`an answer has ${seen} bytes, not ${wholeBytes}`);
    seen = 0;
    first = undefined;
    next();
  });
  socket.on("error", (error) => {
    throw error;
  });
  socket.on("close", () => {
    if (seen !== 0) throw new Error("the server hung up");
    done();
  });
  next();
}

await Promise.all(
  Array.from({ length: connections }, () => {
    return new Promise<void>((done) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => drive(socket, done));
    });
  }),
);
