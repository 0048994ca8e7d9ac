// Who gets past the map of the listener. Real sockets; the rooms behind are stand-ins that say which one answered.
import { request } from "node:http";
import { silentLog } from "@pratique/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listen, type Listener } from "./listener.ts";
import { route, type Routes } from "./routes.ts";

let listener: Listener;

beforeAll(async () => {
  listener = await listen("127.0.0.1:0", silentLog);
  const room = (name: string) => async (_req: unknown, res: { end(text: string): unknown }) => void res.end(name);
  // Only what routing itself touches.
  const routes = {
    identity: { authenticate: () => undefined },
    registry: { handle: room("registry") },
    gateway: { handle: room("gateway") },
    inference: { handle: room("inference") },
    pages: { authenticate: () => undefined, handle: room("console") },
    control: room("control"),
    logins: {
      has: (path: string) => path === "/oauth/callback",
      isPublicHost: (host: string) => host === "pratique.example",
      handle: room("logins"),
    },
  } as unknown as Routes;
  listener.serve(route(routes));
});
afterAll(() => listener.close());

function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const req = request(`${listener.url}${path}`, { headers }, (res) => {
      let text = "";
      res.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      res.on("end", () => resolve({ status: res.statusCode ?? 0, text }));
    });
    req.once("error", reject).end();
  });
}

const ROOMS = ["/control/v1/status", "/console/", "/v1/models", "/v2/", "/log/checkpoint"];

it.each(ROOMS)("refuses a web page's request to %s", async (path) => {
  const status = async (headers: Record<string, string>) => (await ask(path, headers)).status;
  for (const origin of ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1"])
    expect([origin, await status({ origin })]).toEqual([origin, 403]);
  // Images, scripts and frames of another page carry no Origin.
  for (const site of ["cross-site", "same-site"])
    expect([site, await status({ "sec-fetch-site": site, "sec-fetch-mode": "no-cors" })]).toEqual([site, 403]);
});

it("lets its own pages and a followed link in", async () => {
  const own = { origin: listener.url, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" };
  expect(await ask("/control/v1/status", own)).toEqual({ status: 200, text: "control" });
  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  expect(await ask("/console/", link)).toEqual({ status: 200, text: "console" });
});

it("refuses a foreign Host", async () => {
  for (const host of ["evil.example", "localhost.evil.example", "10.0.0.1"])
    expect(await ask("/control/v1/status", { host })).toMatchObject({ status: 421 });
});

it("says that a profile's escapes are wrong", async () => {
  expect(await ask("/mcp/%zz")).toMatchObject({ status: 400 });
});

it("shows a public address the pages of logins alone", async () => {
  const headers = { host: "pratique.example" };
  expect(await ask("/oauth/callback?state=x", headers)).toEqual({ status: 200, text: "logins" });
  expect(await ask("/oauth/callback", { host: "other.example" })).toMatchObject({ status: 421 });
  for (const path of ROOMS) expect(await ask(path, headers)).toMatchObject({ status: 421 });
});
