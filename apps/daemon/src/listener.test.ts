import { once } from "node:events";
import { connect } from "node:net";
import { readBounded, silentLog } from "@pratique/core";
import { expect, it } from "vitest";
import { listen, parseListen } from "./listener.ts";

it.each([
  ["127.0.0.1:7340", "127.0.0.1", 7340],
  ["localhost:0", "localhost", 0],
  ["[::1]:80", "::1", 80],
])("takes %s", (address, host, port) => expect(parseListen(address)).toEqual({ host, port }));

it.each(["0.0.0.0:80", "10.0.0.1:80", "example.org:80", "[::]:80"])("refuses %s, which is not loopback", (address) =>
  expect(() => parseListen(address)).toThrow(expect.objectContaining({ code: "daemon.unsafe-listen" })),
);

it.each(["7340", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:x", ""])("refuses %j, which is not HOST:PORT", (address) =>
  expect(() => parseListen(address)).toThrow(expect.objectContaining({ code: "daemon.bad-listen" })),
);

it("is alive at once and ready only when it serves", async () => {
  const listener = await listen("127.0.0.1:0", silentLog);
  const status = async (path: string) => (await fetch(`${listener.url}${path}`)).status;
  expect([await status("/livez"), await status("/readyz"), await status("/other")]).toEqual([200, 503, 503]);
  listener.serve(async (_req, res, url) => void res.end(url.pathname));
  expect([await status("/readyz"), await status("/other")]).toEqual([200, 200]);
  expect(await (await fetch(`${listener.url}//v2/`)).text()).toBe("/v2/");
  await listener.close();
});

it("says that a port is in use", async () => {
  const listener = await listen("127.0.0.1:0", silentLog);
  await expect(listen(`127.0.0.1:${listener.port}`, silentLog)).rejects.toMatchObject({ code: "daemon.port-in-use" });
  await listener.close();
});

it("gives up a body that stalls, whether its handler reads it or has answered already, and nothing else", async () => {
  const listener = await listen("127.0.0.1:0", silentLog, { bodyIdleMs: 30 });
  listener.serve(async (req, res, url) => {
    if (url.pathname === "/reads") await readBounded(req, 1000);
    if (url.pathname === "/late") await new Promise((resolve) => void setTimeout(resolve, 120));
    res.end("done");
  });
  const closed = async (path: string) => {
    const socket = connect(listener.port, "127.0.0.1").on("error", () => undefined);
    socket.resume().write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{`);
    await once(socket, "close");
  };
  await Promise.all([closed("/reads"), closed("/answered")]);
  // A handler may take longer than a body may stall.
  expect(await (await fetch(`${listener.url}/late`, { method: "POST", body: "whole" })).text()).toBe("done");
  await listener.close();
});

it("takes a bounded number of connections, and new ones once some have gone", async () => {
  const listener = await listen("127.0.0.1:0", silentLog, { connections: 2 });
  const open = async () => {
    const socket = connect(listener.port, "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    return socket;
  };
  const ask = async () => (await fetch(`${listener.url}/livez`, { headers: { connection: "close" } })).status;
  const [first, second] = [await open(), await open()];
  await expect(ask()).rejects.toThrow("fetch failed");
  await Promise.all([first, second].map(async (socket) => void (socket.end(), await once(socket.resume(), "close"))));
  expect(await ask()).toBe(200);
  await listener.close();
});
