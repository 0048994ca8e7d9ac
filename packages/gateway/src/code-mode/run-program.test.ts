// Programs in their isolated interpreter: what they can do, and everything that they cannot.
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@pratique/core";
import { describe, expect, it } from "vitest";
import { PROGRAM_LIMITS, type ProgramLimits } from "./program-protocol.ts";
import { runProgram } from "./run-program.ts";
import { toolPaths } from "./tool-paths.ts";

const hostFile = fileURLToPath(new URL("program-host.ts", import.meta.url));

interface Options {
  readonly call?: (name: string, args: JsonObject, ended: AbortSignal) => Promise<string>;
  readonly limits?: Partial<ProgramLimits>;
  readonly signal?: AbortSignal;
  readonly names?: readonly string[];
}

const run = (code: string, { call, limits = {}, signal, names = ["add", "fail"] }: Options = {}) =>
  runProgram({
    hostFile,
    code,
    limits: { ...PROGRAM_LIMITS, cpuMs: 100, ...limits },
    tools: toolPaths(names, (name) => (name.startsWith("git__") ? "git" : undefined)).list,
    signal: signal ?? new AbortController().signal,
    call:
      call ??
      (async (name, args) => {
        if (name === "fail") throw new Error("no such file: a.txt");
        return JSON.stringify(Number(args["a"]) + Number(args["b"]));
      }),
  });

describe("a program", () => {
  it("calls tools, keeps their data, and returns what matters", async () => {
    const ending = await run(`
      interface Sum { a: number; b: number }
      const sums: number[] = await Promise.all([1, 2, 3].map((a) => tools.add({ a, b: 1 } satisfies Sum)));
      console.log("sums", sums);
      return { total: sums.reduce((x, y) => x + y) };`);
    expect(ending).toEqual({ result: '{"total":9}', output: "sums [2,3,4]\n", calls: 3 });
  });

  it("catches a tool's error by its message", async () => {
    const code = `try { await tools.fail({}) } catch (e) { return [e instanceof Error, e.message, String(e.stack).includes("/")] }`;
    expect(await run(code)).toMatchObject({ result: '[true,"no such file: a.txt",false]' });
  });

  it("finds tools under their servers", async () => {
    const names = ["git__log", "git__a-b", "add"];
    const code = `return [await tools.git.log({}), await tools.git.a_b(), await tools.add()]`;
    const ending = await run(code, { names, call: async (name) => JSON.stringify(name) });
    expect(ending.result).toBe('["git__log","git__a-b","add"]');
  });

  it("says where it failed", async () => {
    expect((await run("const x = 1;\nundefinedThing();")).error).toMatch(/^ReferenceError: .*\(line 2\)$/);
    expect((await run("return 1 +")).error).toMatch(/cannot be read/);
    expect((await run("throw 'a text'")).error).toBe("a text");
    expect((await run("throw { toString() { throw 1 } }")).error).toBeDefined();
    expect(await run("1")).toEqual({ output: "", calls: 0 });
  });
});

describe("a hostile program", () => {
  it.each([
    ["a loop", "for (;;);", /ran longer/],
    ["a loop of promises", "const f = () => Promise.resolve().then(f); await f();", /ran longer/],
    ["a loop that catches", "for (;;) { try { for (;;); } catch {} finally { for (;;); } }", /ran longer/],
    ["a regular expression", `return /^(a+)+$/.test("a".repeat(40) + "b")`, /ran longer|interrupted/],
    ["a loop in a getter of its result", "return { get x() { for (;;); } }", /ran longer/],
    ["a loop in toJSON", "return { toJSON() { for (;;); } }", /ran longer/],
    ["endless recursion", "const f = () => f() + 1; return f();", /stack|recursion|Range/i],
    ["a memory bomb", "const all = []; for (;;) all.push(new Array(100000).fill(7));", /memory|ran longer/i],
    ["doubling strings", 'let s = "x"; for (;;) s += s;', /memory|too long|ran longer/i],
    ["a huge buffer", "return new ArrayBuffer(2 ** 31).byteLength", /memory|length|size/i],
    ["a promise that never settles", "await new Promise(() => {})", /never comes/],
    ["a result without end", 'return "x".repeat(300000)', /larger than/],
    ["a circle", "const a = {}; a.a = a; return a", /circular/i],
    ["a function as its result", "return () => 1", /no JSON form/],
    ["deep brackets", `return ${"(".repeat(20_000)}1${")".repeat(20_000)}`, /./],
    ["a way out of its function", "}); for (;;); (() => {", /./],
    ["a rejection of nothing", "return Promise.reject()", /undefined/],
  ])("ends: %s", async (_what, code, expected) => {
    const ending = await run(code);
    expect(ending.result).toBeUndefined();
    expect(ending.error).toMatch(expected);
  });

  it.each([
    ["buffers", "new Uint8Array(1e6)"],
    ["strings", `"x".repeat(1e6) + all.length`],
    ["lists", "new Array(1e5).fill(1)"],
    ["objects", "Array.from({ length: 1000 }, (_, a) => ({ a }))"],
  ])("has no more memory than it may: %s", async (_what, piece) => {
    const code = `const all = []; for (let at = 0; at < 2000; at++) all.push(${piece}); return all.length`;
    const limits = { memoryBytes: 1024 * 1024, cpuMs: 10_000 };
    expect((await run(code, { limits })).error).toMatch(/out of memory/);
  });

  it("has nothing of this process", async () => {
    const code = `
      const seen = ["process", "require", "fetch", "setTimeout", "Worker", "WebAssembly", "module", "Buffer", "performance", "os", "std"]
        .filter((name) => typeof globalThis[name] !== "undefined");
      let imported = "no";
      try { await import("node:fs"); imported = "yes" } catch {}
      const root = Function("return this")();
      const reach = await tools.add.constructor("return typeof process")();
      return { seen, imported, reach, isRoot: root === globalThis };`;
    expect(JSON.parse((await run(code)).result ?? "{}")).toEqual({
      seen: [],
      imported: "no",
      reach: "undefined",
      isRoot: true,
    });
  });

  it("cannot change what tools are, nor what crosses", async () => {
    const heard: JsonObject[] = [];
    const code = `
      JSON.stringify = () => '{"a":"forged"}'; JSON.parse = () => "forged";
      Promise.prototype.then = () => "forged"; Object.prototype.b = 1; Array.prototype.push = () => 0;
      let changed = "no";
      try { "use strict"; tools.add = 1; delete tools.add; tools.other = 2; } catch { changed = "thrown" }
      return typeof tools.add + typeof tools.other + (await tools.add({ a: 1, __proto__: { c: 3 } }));`;
    const ending = await run(code, {
      call: async (_name, args) => {
        heard.push(args);
        return '"fine"';
      },
    });
    expect(heard.map((args) => Object.keys(args))).toEqual([["a"]]);
    expect(ending.result ?? ending.error).toContain("function");
    expect(ending.result).toContain("fine");
    expect(Object.hasOwn(Object.prototype, "b")).toBe(false);
  });

  it("makes no more calls than it may, and no more at once", async () => {
    let most = 0;
    let now = 0;
    const code = `
      const all = await Promise.allSettled(Array.from({ length: 10000 }, (_, a) => tools.add({ a, b: 0 })));
      return all.filter(({ status }) => status === "fulfilled").length`;
    const ending = await run(code, {
      limits: { calls: 20, callsAtOnce: 4, cpuMs: 5000 },
      call: async () => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
        return "1";
      },
    });
    expect(ending).toMatchObject({ result: "20", calls: 20 });
    expect(most).toBeLessThanOrEqual(4);
  });

  it("gives tools objects only", async () => {
    const code = `
      const said = [];
      for (const argument of ["text", [1], null, () => 1, 1n, 5])
        said.push(await tools.add(argument).then(() => "taken", () => "refused"));
      return said.join()`;
    expect((await run(code)).result).toBe(`"${Array(6).fill("refused").join()}"`);
  });

  it("writes no more than is read", async () => {
    const ending = await run('for (let i = 0; i < 10000; i++) console.log("line " + i); return 1', {
      limits: { outputChars: 1000, cpuMs: 10_000 },
    });
    expect(ending.output.length).toBeLessThan(1100);
    expect(ending.output).toMatch(/the rest was left out\n$/);
  });

  it("ends when its caller leaves, while a call is under way", async () => {
    const gone = new AbortController();
    const ending = await run("await tools.add({}); return 1", {
      signal: gone.signal,
      call: () => {
        gone.abort();
        return new Promise(() => undefined);
      },
    });
    expect(ending.error).toBe("the caller left");
  });

  it("leaves no call behind that nobody waits for", async () => {
    const signals: AbortSignal[] = [];
    const ending = await run("tools.add({}); await tools.add({}); return 1", {
      call: (_name, _args, ended) =>
        signals.push(ended) === 1 ? new Promise<string>(() => undefined) : Promise.resolve("1"),
    });
    expect(ending.result).toBe("1");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it("ends when it takes too long altogether", async () => {
    const ending = await run("await tools.add({}); return 1", {
      limits: { wallMs: 50 },
      call: () => new Promise(() => undefined),
    });
    expect(ending.error).toMatch(/took longer than 50 ms/);
  });
});
