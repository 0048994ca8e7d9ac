// A client of revision 2026-07-28 that calls a tool again and again until it has so many answers; what fails meanwhile is
// tried again. Arguments: URL, token, tool, its arguments as JSON, how many answers. Prints one line for each answer.
const [url = "", token = "", name = "", args = "{}", count = "1"] = process.argv.slice(2);

async function call(id: number): Promise<string | undefined> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "caller", version: "1" },
  };
  const params = { name, arguments: JSON.parse(args) as object, _meta };
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": name,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }),
    signal: AbortSignal.timeout(60_000),
  });
  const body = await response.text();
  const text = body.startsWith("{") ? body : (/^data: (\{.*)$/m.exec(body)?.[1] ?? "{}");
  const { result } = JSON.parse(text) as { result?: { isError?: boolean; content?: { text?: string }[] } };
  return result === undefined || result.isError === true ? undefined : result.content?.[0]?.text;
}

for (let done = 0, id = 1; done < Number(count); id += 1) {
  const answer = await call(id).catch(() => undefined);
  if (answer === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    continue;
  }
  done += 1;
  process.stdout.write(`${answer}\n`);
}
