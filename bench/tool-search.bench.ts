// What a catalog of hundreds of tools costs a client with and without tool search, what it finds, and what a program costs.
// With `TOOL_LISTS=DIR` it measures the `*.json` tool lists of a directory in place of the made catalog.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ToolReachConfig, type Principal } from "@pratique/contracts";
import { silentLog, type JsonObject } from "@pratique/core";
import { encode } from "gpt-tokenizer";
import { createOwnTools, type OwnTools } from "@pratique/gateway";
import { corpus, QUESTIONS } from "../packages/gateway/src/search/corpus.fixture.ts";
import { median, printTable } from "./measure.ts";

const principal: Principal = { type: "User", id: "owner", name: "Owner", groups: [] };
const caller = { principal, profile: "team" };
const tokens = (value: unknown): number => encode(typeof value === "string" ? value : JSON.stringify(value)).length;
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`;

interface Catalog {
  readonly tools: readonly JsonObject[];
  serverOf(name: string): string | undefined;
}

/** Lists as docker/mcp-registry has them: `[{ name, description, arguments: [{ name, type, desc }] }]`, or MCP's own tools. */
function fromDirectory(directory: string): Catalog {
  const servers = new Map<string, string>();
  const tools: JsonObject[] = [];
  for (const file of readdirSync(directory).filter((name) => name.endsWith(".json"))) {
    const server = file.replace(/\.json$/, "");
    const list = (JSON.parse(readFileSync(join(directory, file), "utf8")) ?? []) as Record<string, unknown>[];
    for (const tool of list) {
      const own = String(tool["name"]);
      const name = servers.has(own) ? `${server}__${own}` : own;
      servers.set(name, server);
      const described = (tool["arguments"] ?? []) as { name: string; type?: string; desc?: string }[];
      const properties = Object.fromEntries(
        described.map(({ name: argument, type = "string", desc = "" }) => [argument, { type, description: desc }]),
      );
      const inputSchema = (tool["inputSchema"] ?? { type: "object", properties }) as JsonObject;
      tools.push({ name, description: String(tool["description"] ?? ""), inputSchema });
    }
  }
  return { tools, serverOf: (name) => servers.get(name) };
}

const lists = process.env["TOOL_LISTS"];
const catalog: Catalog = lists === undefined ? corpus() : fromDirectory(lists);
const reach = ToolReachConfig.parse({ search: true, codeMode: true });
const own: OwnTools = createOwnTools({
  reach: ({ profile }) => ({ ...reach, codeMode: profile === "code" }),
  log: silentLog,
});

async function call(name: string, args: JsonObject, profile = "team"): Promise<string> {
  const answer = await own.call(
    { principal, profile },
    {
      method: "tools/call",
      params: { name, arguments: args },
      headers: {},
      client: { era: "modern", protocolVersion: "2026-07-28", capabilities: {} },
      signal: new AbortController().signal,
      wantsProgress: false,
      notify: () => undefined,
      ask: () => Promise.reject(new Error("nobody is asked")),
    },
    {
      offered: catalog.tools,
      serverOf: (shown) => catalog.serverOf(shown),
      call: async () => ({ content: [{ type: "text", text: "1" }] }),
    },
  );
  return (answer["content"] as readonly { readonly text: string }[]).map(({ text }) => text).join("\n");
}

const whole = tokens(catalog.tools);
const listed = tokens([...own.visible!(caller, catalog.tools), ...own.tools(caller, catalog.tools)]);
const answers: number[] = [];
const times: number[] = [];
let first = 0;
let five = 0;
for (const [query, ...wanted] of QUESTIONS) {
  const begun = performance.now();
  const lines = (await call("find_tool", { query })).split("\n");
  times.push(performance.now() - begun);
  answers.push(tokens(lines.join("\n")));
  const names = lines.slice(0, 5).map((line) => line.split("(")[0]!.replace(/^[a-z]+__/, ""));
  if (wanted.includes(names[0] ?? "")) first += 1;
  if (names.some((name) => wanted.includes(name))) five += 1;
}
const name = String(catalog.tools[0]?.["name"]);
const definition = tokens(await call("find_tool", { names: [name] }));
const found = median(answers);
printTable(
  `Tool search: ${catalog.tools.length} tools, tokens of o200k`,
  ["what a client reads", "tokens", "of the whole list"],
  [
    ["all tools in its list", whole, "100 %"],
    ["its list with tool search", listed, percent(listed, whole)],
    ["one answer of find_tool (median)", found, percent(found, whole)],
    ["one definition in full", definition, percent(definition, whole)],
    [
      "list, 3 searches, 1 definition",
      listed + 3 * found + definition,
      percent(listed + 3 * found + definition, whole),
    ],
  ],
);
if (lists === undefined) {
  printTable(
    `Tool search: ${QUESTIONS.length} questions, by words alone`,
    ["", ""],
    [
      ["the right tool first", percent(first, QUESTIONS.length)],
      ["among the first five", percent(five, QUESTIONS.length)],
      ["ms a search (median)", median(times).toFixed(2)],
    ],
  );
}

const programs: number[] = [];
for (let round = 0; round < 7; round += 1) {
  const begun = performance.now();
  await call("run_code", { code: "return 1" }, "code");
  programs.push(performance.now() - begun);
}
printTable("Code mode", ["", "ms"], [["a program, from its call to its answer (median)", median(programs).toFixed(0)]]);
