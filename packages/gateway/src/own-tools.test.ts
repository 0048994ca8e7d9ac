// find_tool, call_tool and run_code over a catalog of 770 tools: what they cost a client, what they find, what they call.
import { ToolReachConfig } from "@pratique/contracts";
import { silentLog, type JsonObject } from "@pratique/core";
import { encode } from "gpt-tokenizer";
import { describe, expect, it } from "vitest";
import type { Exchange } from "./exchange/exchange.ts";
import type { Caller } from "./front/caller.ts";
import { agent, owner } from "./gateway.fixture.ts";
import { createOwnTools, type OwnToolsOptions } from "./own-tools.ts";
import { corpus, QUESTIONS } from "./search/corpus.fixture.ts";

const { tools: offered, serverOf } = corpus();
const caller: Caller = { principal: owner, profile: "team" };

interface Called {
  readonly name: string;
  readonly args: JsonObject;
  readonly more: JsonObject | undefined;
}

function bench(reach: Partial<ToolReachConfig> = { search: true }, more: Partial<OwnToolsOptions> = {}) {
  const called: Called[] = [];
  const own = createOwnTools({ reach: () => ToolReachConfig.parse(reach), log: silentLog, ...more });
  const call = (
    name: string,
    args: JsonObject,
    options: { params?: JsonObject; tools?: readonly JsonObject[] } = {},
  ) => {
    const exchange: Exchange = {
      method: "tools/call",
      params: { name, arguments: args, ...options.params },
      headers: {},
      client: { era: "modern", protocolVersion: "2026-07-28", capabilities: {} },
      signal: new AbortController().signal,
      wantsProgress: false,
      notify: () => undefined,
      ask: () => Promise.reject(new Error("asked")),
    };
    return own.call(caller, exchange, {
      offered: options.tools ?? offered,
      serverOf,
      call: async (toolName, toolArgs, rest) => {
        called.push({ name: toolName, args: toolArgs, more: rest });
        if (toolName === "get_file") return { content: [{ type: "text", text: "denied" }], isError: true };
        return { content: [], structuredContent: { name: toolName, size: 3 } };
      },
    });
  };
  return { own, call, called };
}

const textOf = (answer: JsonObject): string => {
  const content = answer["content"] as readonly { readonly text: string }[];
  return content.map(({ text }) => text).join("\n");
};
const tokens = (value: unknown): number => encode(JSON.stringify(value)).length;

describe("a client of 770 tools", () => {
  it("pays at most 5 % of the tokens, with three searches and a definition in full", async () => {
    const { own, call } = bench();
    const whole = tokens(offered);
    const listed = [...own.visible!(caller, offered), ...own.tools(caller, offered)];
    const answers = [];
    for (const query of ["open a bug report on GitHub", "run a select statement", "will it rain tomorrow"])
      answers.push(textOf(await call("find_tool", { query })));
    answers.push(textOf(await call("find_tool", { names: ["create_issue"] })));
    expect(listed).toHaveLength(2);
    expect(tokens(listed) / whole).toBeLessThan(0.01);
    expect((tokens(listed) + tokens(answers)) / whole).toBeLessThan(0.05);
  });

  it("finds what it asks for among the first five", async () => {
    const { call } = bench();
    let hits = 0;
    for (const [query, ...answers] of QUESTIONS) {
      const lines = textOf(await call("find_tool", { query, limit: 5 })).split("\n");
      const names = lines.map((line) => line.split("(")[0]!.replace(/^[a-z]+__/, ""));
      if (names.some((name) => answers.includes(name))) hits += 1;
    }
    expect(hits / QUESTIONS.length).toBeGreaterThanOrEqual(0.9);
  });

  it("finds only what it may see", async () => {
    const { call } = bench();
    const some = offered.filter(({ name }) => !String(name).includes("pod"));
    const text = textOf(await call("find_tool", { query: "list the pods of kubernetes", limit: 25 }, { tools: some }));
    expect(text).not.toMatch(/^(kubernetes__)?\w+_pod/m);
    expect(textOf(await call("call_tool", { name: "list_pods" }, { tools: some }))).toMatch(
      /No tool is called list_pods/,
    );
    expect(textOf(await call("find_tool", { names: ["list_pods"] }, { tools: some }))).toBe(
      "No tool is called list_pods.",
    );
  });

  it("sees a tool that came a moment ago", async () => {
    const { call } = bench();
    const more = [...offered, { name: "brew_tea", description: "Makes tea.", inputSchema: { type: "object" } }];
    expect(textOf(await call("find_tool", { query: "tea" }, { tools: more }))).toBe("brew_tea() Makes tea.");
    expect(textOf(await call("find_tool", { query: "tea" }))).not.toContain("brew_tea");
  });

  it("is told what is wrong with its request", async () => {
    const { call } = bench();
    for (const args of [{}, { query: 5 }, { query: " " }, { names: [1] }, { query: "a", limit: 0 }])
      expect((await call("find_tool", args))["isError"]).toBe(true);
    for (const args of [{}, { name: 1 }, { name: "get_issue", arguments: [] }, { name: "find_tool" }])
      expect((await call("call_tool", args))["isError"]).toBe(true);
    expect(textOf(await call("find_tool", { query: "zzqqxx" }))).toMatch(/None of 770 tools fits/);
  });

  it("bounds what a server says of its tools", async () => {
    const { call } = bench();
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`a${at}`, { type: "string" }]));
    const deep = JSON.parse(`${'{"type":"array","items":'.repeat(50)}{}${"}".repeat(50)}`) as JsonObject;
    const tools = [
      { name: "big", description: `Big. ${"x".repeat(100_000)}`, inputSchema: { type: "object", properties } },
      { name: "deep", description: "Big\u0000\u001b[31m".repeat(100), inputSchema: deep },
      { name: "loop", description: "big", inputSchema: { $ref: "#" } },
      { name: "out", description: "big", inputSchema: { $ref: "https://example.com/schema" } },
      { name: "none", title: "big" },
    ];
    const lines = textOf(await call("find_tool", { query: "big" }, { tools })).split("\n");
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line.length).toBeLessThan(450);
  });
});

describe("search", () => {
  it("begins over a number of tools, and leaves pinned ones in the list", () => {
    const { own } = bench({ search: { over: 100 }, pinned: ["get_issue"] });
    expect(own.tools(caller, offered.slice(0, 100))).toEqual([]);
    expect(own.visible!(caller, offered.slice(0, 100))).toHaveLength(100);
    expect(own.tools(caller, offered).map(({ name }) => name)).toEqual(["find_tool", "call_tool"]);
    expect(own.visible!(caller, offered).map(({ name }) => name)).toEqual(["get_issue"]);
  });

  it("is not there unless the profile says so", () => {
    const { own } = bench({});
    expect(own.tools(caller, offered)).toEqual([]);
    expect(own.visible!(caller, offered)).toBe(offered);
    for (const name of ["find_tool", "call_tool", "run_code"]) expect(own.has(caller, name)).toBe(false);
  });

  it("takes what a model finds alike into account, once its vectors are there", async () => {
    const about = (text: string): number[] => [/beverage|tea/i.test(text) ? 1 : 0, 0.1];
    let texts = 0;
    const { call } = bench(
      { search: true },
      {
        embed: async (list) => {
          texts += list.length;
          return list.map(about);
        },
      },
    );
    const tools = [
      { name: "brew", description: "Makes tea." },
      { name: "dig", description: "Digs." },
    ];
    const ask = async () => textOf(await call("find_tool", { query: "beverage" }, { tools }));
    expect(await ask()).toMatch(/^None/);
    await expect.poll(ask).toMatch(/^brew/);
    expect(texts).toBeLessThan(60);
  });

  it("goes on by words when there is no model, or it fails", async () => {
    for (const embed of [async () => undefined, () => Promise.reject(new Error("gone")), async () => []]) {
      const { call } = bench({ search: true }, { embed });
      for (let time = 0; time < 2; time += 1)
        expect(textOf(await call("find_tool", { query: "run a select statement" }))).toContain("run_sql(");
    }
  });
});

describe("call_tool", () => {
  it("calls what was found, and hands on what belongs to a retry", async () => {
    const { call, called } = bench();
    const params = { _meta: { a: 1 }, inputResponses: { q: {} }, requestState: "s" };
    await call("call_tool", { name: "get_issue", arguments: { issue_id: "1" } }, { params });
    expect(called).toEqual([{ name: "get_issue", args: { issue_id: "1" }, more: params }]);
    await call("call_tool", { name: "get_issue", arguments: '{"issue_id":"2"}' });
    expect(called[1]).toMatchObject({ args: { issue_id: "2" } });
  });
});

describe("run_code", () => {
  it("runs a program over the caller's tools, as find_tool declares them", async () => {
    const { own, call, called } = bench({ codeMode: true });
    expect(own.tools(caller, offered).map(({ name }) => name)).toEqual(["find_tool", "run_code"]);
    const declared = textOf(await call("find_tool", { query: "open a bug report on GitHub", declare: true, limit: 1 }));
    expect(declared).toMatch(
      /^\/\*\* Creates a new issue in GitHub\. \*\/\ntools\.github\.create_issue\(args: \{ title: string, /,
    );
    const code = `
      const { size } = await tools.github.create_issue({ title: "a" });
      const failed = await tools.files.get_file({}).catch((error: Error) => error.message);
      return { size, failed };`;
    const answer = await call("run_code", { code });
    expect(textOf(answer)).toBe('{"size":3,"failed":"denied"}');
    expect(called.map(({ name }) => name)).toEqual(["create_issue", "get_file"]);
  });

  it("says how a program failed, with what it had written", async () => {
    const { call } = bench({ codeMode: true });
    const answer = await call("run_code", { code: 'console.log("so far"); missing()' });
    expect(answer["isError"]).toBe(true);
    expect(textOf(answer)).toMatch(/^output:\nso far\nfailed: ReferenceError/);
    for (const args of [{}, { code: "" }, { code: "x".repeat(70_000) }])
      expect((await call("run_code", args))["isError"]).toBe(true);
  });

  it("runs two programs of one caller at a time", async () => {
    const { call } = bench({ codeMode: true });
    const answers = await Promise.all([1, 2, 3].map((value) => call("run_code", { code: `return ${value}` })));
    expect(answers.map(textOf)).toEqual(["1", "2", expect.stringMatching(/too many programs/)]);
    expect(textOf(await call("run_code", { code: "return 4" }))).toBe("4");
  });

  it("is there for who may have it only", () => {
    const reach = ({ principal }: Caller) => ToolReachConfig.parse({ codeMode: principal.type === "User" });
    const own = createOwnTools({ reach, log: silentLog });
    expect(own.has(caller, "run_code")).toBe(true);
    expect(own.has({ principal: agent, profile: undefined }, "run_code")).toBe(false);
  });
});
