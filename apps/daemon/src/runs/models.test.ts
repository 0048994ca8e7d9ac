// The address of a model API that a run brings with it: what is asked of it, and where a key may go.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { parseUpstream } from "./models.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function api(answer: (path: string) => { status?: number; headers?: Record<string, string>; body?: string }) {
  const asked: { path: string; key: string | undefined }[] = [];
  const server = createServer((req, res) => {
    asked.push({ path: req.url ?? "", key: req.headers.authorization });
    const { status = 200, headers = {}, body = "{}" } = answer(req.url ?? "");
    res.writeHead(status, headers).end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const models = (id: string) => ({ body: JSON.stringify({ data: [{ id }] }) });

it("takes the first model that the API names", async () => {
  const { url, asked } = await api(() => models("small"));
  expect(await parseUpstream(`${url}/v1/`, "key-1")).toEqual({ baseUrl: `${url}/v1`, model: "small", apiKey: "key-1" });
  expect(asked).toEqual([{ path: "/v1/models", key: "Bearer key-1" }]);
  expect(await parseUpstream("https://host/v1#a%2Fb", undefined)).toMatchObject({ model: "a/b" });
});

it("sends a key over plain HTTP to this machine only", async () => {
  // Whether it answers does not matter: it must not be asked.
  for (const host of ["model.invalid", "127.model.invalid", "127.0.0.1.model.invalid", "10.0.0.1"])
    await expect(parseUpstream(`http://${host}/v1#m`, "key-1")).rejects.toMatchObject({
      code: "run.model-unreachable",
      message: expect.stringContaining("https"),
    });
});

it("follows no redirect with the key", async () => {
  const { url, asked } = await api((path) =>
    path === "/v1/models" ? { status: 302, headers: { location: "/elsewhere" } } : models("small"),
  );
  await expect(parseUpstream(`${url}/v1`, "key-1")).rejects.toMatchObject({ code: "run.model-unreachable" });
  expect(asked.map(({ path }) => path)).toEqual(["/v1/models"]);
});

it("takes no list of models without end", async () => {
  const { url } = await api(() => ({ body: `{"data":[{"id":"small"}],"pad":"${"x".repeat(8 * 1024 * 1024)}"}` }));
  await expect(parseUpstream(`${url}/v1`, undefined)).rejects.toMatchObject({ code: "run.model-unreachable" });
});

it("refuses a password in the address, and does not repeat it", async () => {
  const error: unknown = await parseUpstream("https://me:hunter2@host/v1#m", undefined).catch(
    (cause: unknown) => cause,
  );
  expect(error).toMatchObject({ code: "run.model-unreachable" });
  expect(String(error)).not.toContain("hunter2");
});

it("refuses a name with broken escapes as the caller's mistake", async () => {
  await expect(parseUpstream("https://host/v1#%zz", undefined)).rejects.toMatchObject({
    code: "run.model-unreachable",
  });
  await expect(parseUpstream("http://[", undefined)).rejects.toMatchObject({ code: "run.model-unreachable" });
});
