// The harbour server: an MCP server on stdio with four tools, written with the official SDK.
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { harboursOf } from "./harbours.ts";
import { MAX_TEXT_LENGTH, openNotes } from "./notes.ts";
import { weatherOf } from "./weather.ts";

const notes = openNotes();
const name = z.string().min(1).max(100);
const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const;

const say = (text: string) => ({ content: [{ type: "text" as const, text }] });
const fail = (reason: string) => ({ ...say(`error: ${reason}`), isError: true });

function harbourServer(): McpServer {
  const server = new McpServer({ name: "harbour", version: "1.0.0" });
  server.registerTool(
    "get_weather",
    { description: "Weather of a city", inputSchema: z.object({ city: name }), annotations: READS },
    ({ city }) => say(JSON.stringify(weatherOf(city))),
  );
  server.registerTool(
    "list_harbours",
    { description: "Harbours of a country", inputSchema: z.object({ country: name }), annotations: READS },
    ({ country }) => {
      const harbours = harboursOf(country);
      return harbours === undefined ? fail("unknown country") : say(JSON.stringify({ country, harbours }));
    },
  );
  server.registerTool(
    "read_note",
    { description: "Read a note", inputSchema: z.object({ name }), annotations: READS },
    ({ name }) => {
      const text = notes.read(name);
      return text === undefined ? fail("no such note") : say(text);
    },
  );
  server.registerTool(
    "write_note",
    {
      description: "Write a note",
      inputSchema: z.object({ name, text: z.string().max(MAX_TEXT_LENGTH) }),
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    ({ name, text }) => (notes.write(name, text) ? say("ok") : fail("disk full")),
  );
  return server;
}

serveStdio(harbourServer);
