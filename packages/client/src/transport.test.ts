import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { call } from "./transport.ts";

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

async function daemon(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = (url: string) => call({ url, token: undefined }, { method: "GET", path: "/status" });

it("tells a daemon that starts from a program that is none", async () => {
  const starting = await daemon((_req, res) => res.writeHead(503).end("starting\n"));
  await expect(ask(starting)).rejects.toMatchObject({ code: "daemon.starting" });
  const other = await daemon((_req, res) => res.writeHead(503).end("busy"));
  await expect(ask(other)).rejects.toMatchObject({ code: "daemon.bad-answer" });
});

it("tells a daemon that left before it answered from one that was never there", async () => {
  const leaving = await daemon((req) => req.socket.destroy());
  await expect(ask(leaving)).rejects.toMatchObject({ code: "daemon.connection-lost" });
  await expect(ask("http://127.0.0.1:1")).rejects.toMatchObject({ code: "daemon.unreachable" });
});
