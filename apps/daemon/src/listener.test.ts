import { silentLog } from "@pratique/core";
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
