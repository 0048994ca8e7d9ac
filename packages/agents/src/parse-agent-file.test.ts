import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPratiqueError } from "@pratique/core";
import { KEYS, nearest } from "./agent-keys.ts";
import { parseAgentFile } from "./parse-agent-file.ts";

const MINIMAL = "agents:\n  root:\n    model: dmr/ai/tiny\n";

function failure(text: string): { code: string; message: string; hint: string | undefined } {
  try {
    parseAgentFile(text);
  } catch (error) {
    if (isPratiqueError(error)) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error("it was accepted");
}

describe("an agent definition", () => {
  it("of the voyage is read whole", async () => {
    const path = fileURLToPath(new URL("../../../examples/voyage/agent/agent.yaml", import.meta.url));
    const file = parseAgentFile(await readFile(path, "utf8"));
    expect(file).toMatchObject({
      version: "16",
      defaultAgent: "root",
      models: { voyage: { provider: "dmr", model: "voyage/harbour-model:1.0.0", temperature: 0, maxTokens: 96 } },
      metadata: { version: "1.0.0" },
    });
    expect(file.agents[0]).toMatchObject({
      model: "voyage",
      instruction: "You are Voyage, a harbour assistant. Use the tools and answer from their results.",
      toolsets: [{ type: "mcp", source: "catalog", ref: "docker:voyage/harbour:1.0.0" }],
      skills: ["harbour-notes"],
    });
  });

  it("keeps the order of its agents, and takes the first where none is called root", () => {
    const file = parseAgentFile("agents:\n  b: {model: a/b}\n  '1': {model: a/b}\n  a: {model: a/b}\n");
    expect(file.agents.map((agent) => agent.name)).toEqual(["b", "1", "a"]);
    expect(file.defaultAgent).toBe("b");
    expect(file.models["a/b"]).toEqual({ provider: "a", model: "b" });
  });

  it("joins an instruction of several parts by blank lines", () => {
    const { agents } = parseAgentFile(`${MINIMAL}    instruction: [one, two]\n`);
    expect(agents[0]?.instruction).toBe("one\n\ntwo");
  });

  it("takes its version as text or number, and a missing one as the newest", () => {
    expect(parseAgentFile(`version: 6\n${MINIMAL}`).version).toBe("6");
    expect(parseAgentFile(`version: "0"\n${MINIMAL}`).version).toBe("0");
    expect(parseAgentFile(MINIMAL).version).toBeUndefined();
    expect(failure(`version: 17\n${MINIMAL}`).code).toBe("agent.unsupported-version");
  });

  it("of a version before 4 needs an agent called root", () => {
    expect(failure("version: '3'\nagents:\n  a: {model: a/b}\n").code).toBe("agent.invalid");
  });

  it("reads remote toolsets and inline skills", () => {
    const { agents } = parseAgentFile(
      `${MINIMAL}    toolsets:
      - type: mcp
        tools: [search]
        remote: {url: "https://mcp.example.com/mcp", transport_type: streamable, headers: {X-Team: a}}
    skills:
      - {name: tides, description: When the tide is, instructions: Look it up.}
`,
    );
    expect(agents[0]?.toolsets).toEqual([
      {
        type: "mcp",
        source: "remote",
        url: "https://mcp.example.com/mcp",
        headers: { "X-Team": "a" },
        tools: ["search"],
      },
    ]);
    expect(agents[0]?.inlineSkills).toEqual([
      { name: "tides", description: "When the tide is", body: "Look it up.", files: {} },
    ]);
  });
});

describe("what a definition says and Pratique does not do", () => {
  const places: Record<keyof typeof KEYS, (key: string) => string> = {
    file: (key) => `${MINIMAL}${key}: {}\n`,
    metadata: (key) => `${MINIMAL}metadata:\n  ${key}: x\n`,
    model: (key) => `${MINIMAL}models:\n  m: {provider: a, model: b, ${key}: 1}\n`,
    agent: (key) => `${MINIMAL}    ${key}: x\n`,
    toolset: (key) => `${MINIMAL}    toolsets: [{type: mcp, ref: "docker:a", ${key}: x}]\n`,
    remote: (key) => `${MINIMAL}    toolsets: [{type: mcp, remote: {url: "https://a", ${key}: x}}]\n`,
    skill: (key) => `${MINIMAL}    skills: [{name: a, description: b, instructions: c, ${key}: x}]\n`,
  };
  const refused = Object.entries(KEYS).flatMap(([place, table]) =>
    Object.keys(table.refused).map((key) => [place as keyof typeof KEYS, key] as const),
  );

  it.each(refused)("is refused by name: %s %s", (place, key) => {
    const { code, message } = failure(places[place](key));
    expect(code).toBe("agent.unsupported-key");
    expect(message).toContain(key);
  });

  it.each([
    ["model: auto", "model"],
    ["model: a/b,c/d", "model"],
    ["model: a/b\n    skills: true", "skills"],
    ["model: a/b\n    skills: [local]", "skills[0]"],
    ["model: a/b\n    welcome_message: hi ${env.USER}", "welcome_message"],
    ["model: a/b\n    toolsets: [{type: shell}]", "toolsets[0].type"],
    ["model: a/b\n    toolsets: [{type: mcp, ref: named}]", "toolsets[0].ref"],
    ["model: a/b\n    toolsets: [{type: mcp, remote: {url: 'https://a', transport_type: sse}}]", "transport_type"],
  ])("is refused by its value: %s", (text, path) => {
    const { code, message } = failure(`agents:\n  root:\n    ${text}\n`);
    expect(code).toBe("agent.unsupported-value");
    expect(message).toContain(path);
  });
});

describe("what is no definition", () => {
  it("is an unknown key, with its path, line and the nearest known one", () => {
    expect(failure(`${MINIMAL}    instructon: be kind\n`)).toMatchObject({
      code: "agent.unknown-key",
      message: "agent.yaml:4: `agents.root.instructon` is no key of an agent definition",
      hint: "did you mean `instruction`?",
    });
    expect(failure(`${MINIMAL}quux: 1\n`).hint).toBe("keys here: version, metadata, models, agents");
    expect(nearest("modle", ["model", "toolsets"])).toBe("model");
  });

  it.each([
    ["nothing", ""],
    ["bad YAML", "agents: [\n"],
    ["a list", "- a\n"],
    ["no agents", "version: 1\n"],
    ["an empty map of agents", "agents: {}\n"],
    ["an agent without a model", "agents: {root: {instruction: x}}\n"],
    ["a model of no provider", "agents: {root: {model: x}}\n"],
    ["the same key twice", "agents: {root: {model: a/b, model: a/c}}\n"],
    ["an alias", "agents: &a {root: {model: a/b}}\nmetadata: *a\n"],
    ["two documents", `${MINIMAL}---\n${MINIMAL}`],
    ["a temperature out of range", `${MINIMAL}models: {m: {provider: a, model: b, temperature: 9}}\n`],
    [
      "a toolset of two sources",
      `${MINIMAL}    toolsets: [{type: mcp, ref: "docker:a", remote: {url: "https://a"}}]\n`,
    ],
    ["a toolset of an invented type", `${MINIMAL}    toolsets: [{type: teapot}]\n`],
    ["deep nesting", `${MINIMAL}metadata: ${"[".repeat(50_000)}`],
    ["too many bytes", `${MINIMAL}# ${"x".repeat(300_000)}`],
  ])("is %s", (_name, text) => {
    expect(failure(text).code).toBe("agent.invalid");
  });

  it("never brings anything but a definition or an error of ours", () => {
    const line = fc.constantFrom(
      "agents:",
      "  root:",
      "    model: a/b",
      "models: {}",
      "  - x",
      "? :",
      "*a",
      "&a {",
      "]",
      "\t",
      "!!js x",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(line).map((lines) => lines.join("\n")),
        ),
        (text) => {
          try {
            parseAgentFile(text);
          } catch (error) {
            if (!isPratiqueError(error)) throw error;
          }
        },
      ),
    );
  });
});
