// An MCP server that misbehaves, on stdio: `node test/fakes/mcp-hostile.ts MODE`.
//   garbage  prints lines that are no JSON, or no JSON-RPC, and answers properly between them
//   flood    prints without end and without a line break
//   hang     reads and never answers
//   exit     ends at once
//   legacy   ends at the first request that is not `initialize`, as some old servers do; then serves one tool
//   pingpong asks again whenever it is answered
//   swamp    lists ten thousand tools, one of them enormous
import { createInterface } from "node:readline";

const mode = process.argv[2] ?? "garbage";
const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

interface Request {
  readonly id?: number | string;
  readonly method?: string;
}

if (mode === "exit") process.exit(1);
if (mode === "flood") {
  const chunk = "x".repeat(65_536);
  const pump = (): void => {
    while (process.stdout.write(chunk));
    process.stdout.once("drain", pump);
  };
  pump();
}

function tools(): object[] {
  const tool = (name: string, description = "") => ({ name, description, inputSchema: { type: "object" } });
  if (mode !== "swamp") return [tool("odd")];
  return [tool("huge", "y".repeat(100_000)), ...Array.from({ length: 10_000 }, (_, index) => tool(`tool_${index}`))];
}

let isInitialized = false;
createInterface({ input: process.stdin }).on("line", (line) => {
  if (mode === "hang" || mode === "flood") return;
  const { id, method } = JSON.parse(line) as Request;
  if (mode === "pingpong" && isInitialized) say({ jsonrpc: "2.0", id: "ping", method: "ping" });
  if (method === undefined) return;
  if (mode === "legacy" && !isInitialized && method !== "initialize") process.exit(2);
  if (mode === "garbage") {
    process.stdout.write("starting up…\n{not json\n\n");
    say({ json: "but no message" });
    say({ jsonrpc: "2.0", id: 999_999, result: { nobody: "asked" } });
    say({ jsonrpc: "2.0", id: "mine", method: "sampling/createMessage", params: {} });
  }
  if (method === "initialize") {
    isInitialized = true;
    const serverInfo = { name: mode, version: "0" };
    say({ jsonrpc: "2.0", id, result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") say({ jsonrpc: "2.0", id, result: { tools: tools() } });
  else if (method === "tools/call") say({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "odd" }] } });
  else if (id !== undefined) say({ jsonrpc: "2.0", id, error: { code: -32_601, message: "unknown method" } });
});
