// An MCP server over HTTP that keeps notes in memory, in the test's own process.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

export interface NotesServer {
  readonly url: string;
  readonly notes: string[];
  close(): Promise<void>;
}

export async function startNotesServer(): Promise<NotesServer> {
  const notes: string[] = [];
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "notes", version: "1.0.0" });
    server.registerTool(
      "write_note",
      { description: "Writes a note", inputSchema: z.object({ text: z.string() }) },
      ({ text }) => {
        notes.push(text);
        return { content: [{ type: "text", text: "written" }] };
      },
    );
    return server;
  });
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => void answer(Buffer.concat(chunks)));
    async function answer(body: Buffer): Promise<void> {
      const headers = Object.entries(req.headers).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value] as [string, string]] : [],
      );
      const init = { method: req.method ?? "GET", headers, ...(body.length === 0 ? {} : { body: body.toString() }) };
      const response = await handler.fetch(new Request(`http://127.0.0.1${req.url ?? "/"}`, init));
      res.writeHead(response.status, Object.fromEntries(response.headers));
      res.end(Buffer.from(await response.arrayBuffer()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    notes,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
