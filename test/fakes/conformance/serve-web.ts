// A web standard handler on a port of loopback, with the look at Host and Origin that a local server needs.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

const LOCAL = /^(?:https?:\/\/)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Prints its address as one JSON line when it listens. */
export async function serveWeb(handle: (request: Request, parsedBody: unknown) => Promise<Response>): Promise<void> {
  const server = createServer(async (req, res) => {
    const { host = "", origin = host } = req.headers;
    if (!LOCAL.test(host) || !LOCAL.test(origin)) return void res.writeHead(403).end();
    const gone = new AbortController();
    res.once("close", () => gone.abort());
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const headers = Object.entries(req.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    );
    const method = req.method ?? "GET";
    const request = new Request(`http://${host}${req.url ?? "/"}`, {
      method,
      headers,
      signal: gone.signal,
      ...(method === "POST" ? { body: text } : {}),
    });
    const response = await handle(request, jsonIn(text));
    res.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body === null) return void res.end();
    res.flushHeaders();
    const body = Readable.fromWeb(response.body as ReadableStream);
    body.on("error", () => res.destroy());
    res.once("close", () => body.destroy());
    body.pipe(res);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.stdout.write(
    `${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` })}\n`,
  );
}

function jsonIn(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
