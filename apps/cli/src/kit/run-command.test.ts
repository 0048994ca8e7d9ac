import { PratiqueError } from "@pratique/core";
import { describe, expect, it } from "vitest";
import type { Command, Context, ExitCode, Input } from "./command.ts";
import { runProgram } from "./run-command.ts";
import type { Terminal } from "./terminal.ts";

interface Seen {
  out: string;
  note: string;
  input: Input | undefined;
}

function program(run: (input: Input) => Promise<ExitCode> = async () => 0) {
  const seen: Seen = { out: "", note: "", input: undefined };
  const terminal: Terminal = {
    out: (text) => void (seen.out += `${text}\n`),
    note: (text) => void (seen.note += `${text}\n`),
    interactive: false,
    draw: () => undefined,
    paint: (_tone, text) => text,
  };
  const command = (name: string, extra: Partial<Command> = {}): Command => ({
    name,
    group: "everyday",
    summary: `do ${name}`,
    examples: [`pratique ${name}`],
    run: async (input) => {
      seen.input = input;
      return await run(input);
    },
    ...extra,
  });
  const tree = {
    pack: async () =>
      command("pack", {
        minArgs: 1,
        maxArgs: 2,
        usage: "<directory>",
        description: "word ".repeat(60).trim(),
        flags: { kind: { type: "string" as const, summary: "kind" } },
      }),
    "audit verify": async () => command("audit verify"),
    "audit tail": async () => command("audit tail"),
  };
  const context = (global: { json: boolean; home: string | undefined }) =>
    ({ json: global.json, home: global.home ?? "" }) as unknown as Context;
  return { seen, call: (...argv: string[]) => runProgram({ tree, version: "1.2.3", terminal, context }, argv) };
}

describe("finding the command", () => {
  it("runs a noun and verb", async () => {
    const { call, seen } = program();
    expect(await call("audit", "verify", "--json")).toBe(0);
    expect(seen.input?.context.json).toBe(true);
  });

  it("suggests a verb of the noun that was meant, before a command that is spelt as closely", async () => {
    const { call, seen } = program();
    expect(await call("audi", "tail")).toBe(2);
    expect(seen.note).toContain("did you mean `pratique audit tail`?");
  });

  it("keeps help within 80 columns", async () => {
    const { call, seen } = program();
    expect(await call("pack", "--help")).toBe(0);
    expect(seen.out).toContain("word word");
    expect(Math.max(...seen.out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("helps with a noun, and not with a command that is none", async () => {
    const { call, seen } = program();
    expect(await call("help", "audit")).toBe(0);
    expect(seen.out).toContain("pratique audit verify");
    expect(await call("help", "pakc")).toBe(2);
    expect(seen.note).toContain("did you mean `pratique pack`?");
  });

  it("takes global flags before the command", async () => {
    const { call, seen } = program();
    expect(await call("--home", "/x", "pack", "dir")).toBe(0);
    expect([seen.input?.context.home, seen.input?.args]).toEqual(["/x", ["dir"]]);
  });

  it("suggests the nearest command and exits 2", async () => {
    const { call, seen } = program();
    expect(await call("pakc", "dir")).toBe(2);
    expect(seen.note).toContain("did you mean `pratique pack`?");
  });

  it("lists the verbs of a noun", async () => {
    const { call, seen } = program();
    expect(await call("audit")).toBe(2);
    expect(seen.out).toContain("audit tail");
  });

  it("prints the version", async () => {
    const { call, seen } = program();
    expect(await call("--version")).toBe(0);
    expect(seen.out).toBe("1.2.3\n");
  });
});

describe("parsing", () => {
  it("refuses an unknown flag with the nearest one", async () => {
    const { call, seen } = program();
    expect(await call("pack", "dir", "--kimd", "model")).toBe(2);
    expect(seen.note).toContain("did you mean --kind?");
  });

  it("refuses too few and too many arguments", async () => {
    const { call, seen } = program();
    expect(await call("pack")).toBe(2);
    expect(await call("pack", "a", "b", "c")).toBe(2);
    expect(seen.note).toContain("`c` is one argument too many");
  });

  it("shows help with an example first", async () => {
    const { call, seen } = program();
    expect(await call("pack", "--help")).toBe(0);
    expect(seen.out.indexOf("EXAMPLES")).toBeLessThan(seen.out.indexOf("USAGE"));
  });
});

describe("failing", () => {
  const failing = (status: number) =>
    program(() =>
      Promise.reject(new PratiqueError({ code: "some.code", message: "it failed", hint: "do this", status })),
    );

  it("prints the error, a blank line and the hint, and exits 1", async () => {
    const { call, seen } = failing(404);
    expect(await call("pack", "dir")).toBe(1);
    expect(seen.note).toBe("error: it failed [some.code]\n\nhint: do this\n");
  });

  it("exits 3 when policy denied", async () => {
    expect(await failing(403).call("pack", "dir")).toBe(3);
  });

  it("prints errors as JSON with --json", async () => {
    const { call, seen } = failing(404);
    await call("pack", "dir", "--json");
    expect(JSON.parse(seen.note)).toEqual({ error: { code: "some.code", message: "it failed", hint: "do this" } });
  });
});
