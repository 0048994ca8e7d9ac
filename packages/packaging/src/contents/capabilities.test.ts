// What servers and agents may do, by their own words, and what becomes of words that are made to harm.
import { isPratiqueError } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ImageConfig } from "../mcp-server/image-config.schema.ts";
import { agentCapabilities } from "./agent-capabilities.ts";
import { serverCapabilities } from "./server-capabilities.ts";

const config = (labels: Record<string, string>, user?: string): ImageConfig => ({
  architecture: "amd64",
  os: "linux",
  user,
  env: [],
  entrypoint: ["node", "server.js"],
  cmd: [],
  labels,
  diffIds: [],
});

describe("serverCapabilities", () => {
  it("reads config, server.json and the catalog label of Docker", () => {
    const serverJson = JSON.stringify({
      name: "com.example/weather",
      description: "Weather",
      version: "1.0.0",
      remotes: [{ type: "streamable-http", url: "https://weather.example/mcp" }],
      packages: [
        {
          registryType: "npm",
          identifier: "weather",
          transport: { type: "stdio" },
          environmentVariables: [{ name: "TOKEN", isSecret: true }, { name: "UNITS" }],
        },
      ],
      _meta: { "dev.pratique/tools": { forecast: { readOnly: true }, erase: { destructive: true }, odd: {} } },
    });
    const docker =
      "tools:\n  - name: forecast_hourly\nsecrets:\n  - name: weather.key\nallowHosts: [api.weather.example:443]\n";
    const found = serverCapabilities(
      config({ "dev.pratique.server.json": serverJson, "io.docker.server.metadata": docker }, "65532"),
      { config: { ExposedPorts: { "8080/tcp": {} }, Volumes: { "/data": {} } } },
    );
    expect(found).toEqual({
      "pratique:command": "node server.js",
      "pratique:transport": "stdio",
      "pratique:tool": ["erase (destructive)", "forecast (read-only)", "forecast_hourly", "odd"],
      "pratique:permission:user": "65532",
      "pratique:permission:network": [
        "connect api.weather.example:443",
        "connect https://weather.example/mcp (streamable-http)",
        "listen 8080/tcp",
      ],
      "pratique:permission:secret": ["TOKEN", "weather.key"],
      "pratique:permission:environment": "UNITS",
      "pratique:permission:volume": "/data",
    });
  });

  it("takes no user for root, and a label that is no YAML, or a bomb, for none", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghij"
      .split("")
      .map((key, at) => `${key}: &${key} [${Array(9).fill(`*${"abcdefghi"[at]}`).join(",")}]`)
      .join("\n")}\ntools: *j\n`;
    for (const label of ["{", bomb, "- 1", "tools: 7"]) {
      expect(serverCapabilities(config({ "io.docker.server.metadata": label }), {})).toEqual({
        "pratique:command": "node server.js",
        "pratique:permission:user": "root",
      });
    }
  });
});

describe("agentCapabilities", () => {
  it("names models, toolsets, sub-agents, skills and rules", () => {
    const yaml = `
models:
  local: { provider: dmr, model: team/model:1 }
  away: { provider: openai, model: gpt, base_url: "https://llm.example/v1" }
mcps:
  search: { type: mcp, ref: "docker:tools/search", tools: [find] }
agents:
  root:
    model: local
    sub_agents: [helper]
    skills: [notes]
    permissions: { allow: [find], deny: ["erase*"] }
    toolsets:
      - { type: mcp, ref: search }
      - { type: mcp, remote: { url: "https://x.example/mcp" } }
      - { type: shell }
      - { type: mcp, command: npx, args: [some-server], env: { KEY: x } }
  helper: { model: away, skills: true }
permissions: { ask: [write] }
`;
    expect(agentCapabilities(yaml)).toEqual({
      "pratique:agent:model": ["away: openai/gpt", "local: dmr/team/model:1"],
      "pratique:agent:uses-model": ["helper: away", "root: local"],
      "pratique:agent:sub-agent": "root: helper",
      "pratique:agent:skill": ["helper: all that are found", "root: notes"],
      "pratique:permission:network": ["connect https://llm.example/v1", "connect https://x.example/mcp"],
      "pratique:permission:toolset": [
        "root: mcp docker:tools/search (only find)",
        "root: mcp https://x.example/mcp",
        "root: mcp npx some-server",
        "root: shell",
      ],
      "pratique:permission:host": ["root: runs a shell", "root: runs npx"],
      "pratique:permission:environment": "KEY",
      "pratique:permission:tool": ["ask write", "root: allow find", "root: deny erase*"],
    });
  });

  it("fails in no other way than that it is no agent", () => {
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, 1, "mcp", true, "docker:x"),
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            "toolsets",
            "remote",
            "url",
            "ref",
            "type",
            "tools",
            "skills",
            "permissions",
            "allow",
            "__proto__",
          ),
          tie("node"),
        ),
      ),
    })).node;
    fc.assert(
      fc.property(value, value, value, (agents, models, mcps) => {
        try {
          agentCapabilities(JSON.stringify({ agents, models, mcps }));
        } catch (error) {
          if (!isPratiqueError(error, "agent.not-yaml")) throw error;
        }
      }),
    );
  });
});
