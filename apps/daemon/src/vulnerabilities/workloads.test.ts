// What counts as running, and from what.
import type { Database } from "@pratique/store";
import { expect, it } from "vitest";
import { runningWorkloads } from "./workloads.ts";

const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

it("names runs with everything they use, servers, engines and sandboxes", async () => {
  const row = (id: string, status: "running" | "completed", body: object) => ({
    id,
    agent: "team/agent",
    agentDigest: digestOf("a"),
    model: null,
    principal: "owner",
    status,
    startedAt: "",
    endedAt: null,
    body: JSON.stringify(body),
  });
  const rows = [
    row("1", "running", { uses: [digestOf("a"), digestOf("5")] }),
    row("2", "completed", { uses: [digestOf("9")] }),
  ];
  const runs = { list: async () => rows } as Pick<Database["runs"], "list"> as Database["runs"];
  const workloads = await runningWorkloads({
    database: { runs },
    gateway: {
      servers: () => [
        { name: "harbour", state: "ready", isolated: true, digest: digestOf("b"), tools: 1 },
        { name: "remote", state: "ready", isolated: false, tools: 1 },
      ],
    },
    inference: { running: () => [{ model: "tiny", digest: digestOf("c"), engine: "llama-server", pid: 1, inUse: 0 }] },
    machinery: { sandboxes: () => [{ name: "harbour", digest: digestOf("b") }, { name: "other" }] },
  });
  expect(workloads.map(({ type, name, digest }) => [type, name, digest.slice(7, 8)])).toEqual([
    ["run", "1 (team/agent)", "a"],
    ["run", "1 (team/agent)", "5"],
    ["server", "harbour", "b"],
    ["engine", "tiny", "c"],
    ["sandbox", "harbour", "b"],
  ]);
});
