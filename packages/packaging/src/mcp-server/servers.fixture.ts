// Small MCP servers without dependencies, in both languages and as packages. Test code only.
import { hexOf, digestOf } from "@pratique/core";
import { zipOf } from "../archive/zip.fixture.ts";

/** Answers initialize, tools/list and tools/call over stdio; `say` tells what it was started with. */
export const NODE_SERVER = `
import { createInterface } from "node:readline";
const tools = [{ name: "say", description: "Says how it was started", inputSchema: { type: "object" } }];
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const said = JSON.stringify({ args: process.argv.slice(2), mode: process.env.MODE ?? null });
  const result =
    method === "initialize" ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "say", version: "1" } }
    : method === "tools/list" ? { tools }
    : method === "tools/call" ? { content: [{ type: "text", text: said }] }
    : method === "ping" ? {} : undefined;
  const answer = result === undefined ? { error: { code: -32601, message: "no such method" } } : { result };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
}
`;

export const PYTHON_SERVER = `
import json, os, ssl, sqlite3, sys, zoneinfo

TOOLS = [{"name": "say", "description": "Says how it was started", "inputSchema": {"type": "object"}}]

def answer(method, params):
    if method == "initialize":
        info = {"name": "say", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        said = {"args": sys.argv[1:], "mode": os.environ.get("MODE"), "roots": len(ssl.create_default_context().get_ca_certs()) > 0,
                "zone": str(zoneinfo.ZoneInfo("Europe/Berlin")), "uid": os.getuid()}
        return {"content": [{"type": "text", "text": json.dumps(said)}]}
    return {} if method == "ping" else None

def main():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result = answer(message["method"], message.get("params", {}))
        body = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}), flush=True)

if __name__ == "__main__":
    main()
`;

/** A wheel (PEP 427) with its RECORD. */
export function wheelOf(
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
  o: { metadata?: string; entryPoints?: string } = {},
): { readonly file: string; readonly bytes: Buffer } {
  const stem = name.replace(/-/g, "_");
  const info = `${stem}-${version}.dist-info`;
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${o.metadata ?? ""}\n`,
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    ...(o.entryPoints === undefined ? {} : { [`${info}/entry_points.txt`]: o.entryPoints }),
  };
  const record = Object.entries(all).map(([path, body]) => {
    const hash = Buffer.from(hexOf(digestOf(Buffer.from(body))), "hex").toString("base64url");
    return `${path},sha256=${hash},${Buffer.byteLength(body)}`;
  });
  all[`${info}/RECORD`] = [...record, `${info}/RECORD,,`, ""].join("\n");
  const bytes = zipOf(Object.entries(all).map(([path, body]) => ({ path, body, deflate: true })));
  return { file: `${stem}-${version}-py3-none-any.whl`, bytes };
}
