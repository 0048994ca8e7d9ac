// An MCP server that costs next to nothing: `mock-server.ts http|stdio [TOOLS]`. Says its port on standard output.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly protocolVersion?: string;
    readonly arguments?: { readonly text?: string; readonly bytes?: number };
  };
}

const [transport = "http", count = "10"] = process.argv.slice(2);
const schema = '{"type":"object","properties":{"text":{"type":"string"}}}';
const tools = Array.from(
  { length: Number(count) },
  (_, index) =>
    `{"name":"tool_${index}","description":"Does what tool ${index} does, as tools do","inputSchema":${schema}}`,
);
const echo = `{"name":"echo","description":"Says it again","inputSchema":${schema},"annotations":{"readOnlyHint":true}}`;
const list = `{"tools":[${[echo, ...tools].join()}]}`;
const capabilities = '{"tools":{"listChanged":true}}';
const large = new Map<number, string>();

/** The result of a request as text; undefined when there is nothing to answer. */
function resultOf({ method, params }: Message): string | undefined {
  switch (method) {
    case "initialize":
      return `{"protocolVersion":${JSON.stringify(params?.protocolVersion)},"capabilities":${capabilities},"serverInfo":{"name":"mock","version":"1"}}`;
    case "tools/list":
      return list;
    case "tools/call": {
      const { text, bytes } = params?.arguments ?? {};
      return bytes === undefined
        ? `{"content":[{"type":"text","text":${JSON.stringify(text ?? "")}}]}`
        : `{"content":[{"type":"text","text":"${textOf(bytes)}"}]}`;
    }
    case "ping":
      return "{}";
    case "prompts/list":
      return '{"prompts":[]}';
    case "resources/list":
      return '{"resources":[]}';
    case "resources/templates/list":
      return '{"resourceTemplates":[]}';
    default:
      return undefined;
  }
}

/** Prose, as tools answer it; the same each time. */
function textOf(bytes: number): string {
  const words = "the report of the third quarter lists 14 orders, all of them shipped before 2026-09-30 by sea; ";
  let text = large.get(bytes);
  if (text === undefined) large.set(bytes, (text = words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes)));
  return text;
}

function answerTo(message: Message): string | undefined {
  if (message.id === undefined) return undefined;
  const id = JSON.stringify(message.id);
  const result = resultOf(message);
  return result === undefined
    ? `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"no such method"}}`
    : `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

function handle(req: IncomingMessage, res: ServerResponse): void {
  if (req.method !== "POST") return void res.writeHead(405, { "content-length": 0 }).end();
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    const message = JSON.parse(Buffer.concat(chunks).toString()) as Message;
    const body = answerTo(message);
    if (body === undefined) return void res.writeHead(202, { "content-length": 0 }).end();
    res.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...(message.method === "initialize" ? { "mcp-session-id": "mock" } : {}),
    });
    res.end(body);
  });
}

if (transport === "stdio") {
  createInterface({ input: process.stdin }).on("line", (line) => {
    const answer = answerTo(JSON.parse(line) as Message);
    if (answer !== undefined) process.stdout.write(`${answer}\n`);
  });
} else {
  // Whoever started it holds the other end: nothing outlives a bench that fails.
  process.stdin.resume().on("end", () => process.exit());
  const server = createServer(handle);
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
}
