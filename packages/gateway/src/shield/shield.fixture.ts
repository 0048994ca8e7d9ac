// A server in this process whose every word the test says, over Streamable HTTP of revision 2025-11-25.
import { createServer, type Server } from "node:http";
import { isJsonObject, parseJson, type JsonObject } from "@pratique/core";
import type { ServerDefinition } from "../server-definition.ts";
import { listening } from "../gateway.fixture.ts";

export interface SaidServer {
  readonly definition: ServerDefinition;
  /** What it answers, by method; `error` members become errors. */
  readonly says: Record<string, JsonObject>;
  /** What it sends before the answer of tools/call. */
  notifications: readonly JsonObject[];
  /** Parameters of each request that reached it. */
  readonly heard: { readonly method: string; readonly params: JsonObject }[];
  close(): Promise<void>;
}

export async function openSaidServer(name: string, tools: readonly JsonObject[]): Promise<SaidServer> {
  const says: Record<string, JsonObject> = {
    initialize: {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {}, resources: {}, prompts: {}, logging: {} },
      serverInfo: { name, version: "1" },
    },
    "tools/list": { tools: [...tools] },
    "resources/list": { resources: [{ uri: "said://r", name: "r" }] },
    "prompts/list": { prompts: [{ name: "p" }] },
  };
  const heard: SaidServer["heard"][number][] = [];
  const state = { notifications: [] as readonly JsonObject[] };
  const server: Server = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const message = text === "" ? {} : parseJson(text);
      if (!isJsonObject(message) || message["id"] === undefined || typeof message["method"] !== "string") {
        return res.writeHead(req.method === "POST" ? 202 : 405).end();
      }
      const { method, params } = message;
      heard.push({ method, params: isJsonObject(params) ? params : {} });
      const said = says[method];
      const body =
        said === undefined
          ? { error: { code: -32_601, message: "unknown" } }
          : said["error"] === undefined
            ? { result: said }
            : { error: said["error"] };
      const answer = { jsonrpc: "2.0", id: message["id"], ...body };
      if (method !== "tools/call") {
        return res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
      }
      res.writeHead(200, { "content-type": "text/event-stream" });
      const token =
        isJsonObject(params) && isJsonObject(params["_meta"]) ? params["_meta"]["progressToken"] : undefined;
      for (const { method: told, params: facts } of state.notifications) {
        const progressToken = told === "notifications/progress" ? { progressToken: token } : {};
        const all = { ...(isJsonObject(facts) ? facts : {}), ...progressToken };
        res.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: told, params: all })}\n\n`);
      }
      return res.end(`data: ${JSON.stringify(answer)}\n\n`);
    })();
  });
  const port = await listening(server);
  return {
    definition: {
      name,
      isolated: true,
      cleared: true,
      verdicts: {},
      transport: { type: "http", url: `http://127.0.0.1:${port}/mcp` },
    },
    says,
    heard,
    get notifications() {
      return state.notifications;
    },
    set notifications(value) {
      state.notifications = value;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
