// The voyage, as the README's reader takes it.
import { readFile, writeFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { finished, pratique, startDaemon, startProgram, temporaryHome, type Result } from "../support/program.ts";

interface VoyageReport {
  artifacts: { kind: string; reference: string; digest: string; cleared: boolean }[];
  refused: { reference: string; policy: string }[];
  run: {
    id: string;
    model: string;
    toolCalls: { tool: string; decision: string; policy: string }[];
    answer: string;
    problem?: { code: string };
  };
  audit: { records: number; checkpoint: string; verified: boolean };
}

describe("pratique voyage --json on a fresh home", () => {
  let place: Awaited<ReturnType<typeof temporaryHome>>;
  let result: Result;
  let report: VoyageReport;

  beforeAll(async () => {
    place = await temporaryHome();
    result = await pratique(["voyage", "--json"], { home: place.home });
    report = result.json<VoyageReport>();
  });
  afterAll(() => place.remove());

  it("exits 0 and prints one JSON document", () => {
    expect([result.code, result.stderr]).toEqual([0, ""]);
    expect(Object.keys(report)).toEqual(["artifacts", "refused", "run", "audit"]);
  });

  it("packs and clears a model, an MCP server, a skill and an agent", () => {
    expect(report.artifacts.map(({ kind, cleared }) => [kind, cleared])).toEqual([
      ["model", true],
      ["mcp-server", true],
      ["skill", true],
      ["agent", true],
    ]);
    for (const { digest } of report.artifacts) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it("refuses the unsigned fifth by the policy that asks for a signature", () => {
    expect(report.refused).toHaveLength(1);
    expect(report.refused[0]!.policy).toBe("signature.required");
  });

  it("lets the model call a tool, and denies the second call", () => {
    expect(report.run.toolCalls).toEqual([
      { tool: "get_weather", decision: "allow", policy: "agents-use-tools" },
      { tool: "write_note", decision: "deny", policy: "no-writes" },
    ]);
    expect(report.run.answer).toContain("policy no-writes forbids it");
  });

  it("leaves a verified log", () => {
    expect(report.audit.verified).toBe(true);
    expect(report.audit.records).toBeGreaterThan(20);
    expect(report.audit.checkpoint).toMatch(/^pratique\.local\/log\n\d+\n/);
  });

  it("proves the log without a daemon, and fails on a flipped byte", async () => {
    const whole = await pratique(["audit", "verify", "--json"], { home: place.home });
    expect(whole.code).toBe(0);
    expect(whole.json<{ ok: boolean }>().ok).toBe(true);
    const entries = join(place.home, "log", "tile", "entries");
    const names = (await readdir(entries, { recursive: true })).map((name) => join(entries, name));
    const files = (await Promise.all(names.map(async (name) => ((await stat(name)).isFile() ? name : "")))).filter(
      (name) => name !== "",
    );
    const file = files.at(-1)!;
    const bytes = await readFile(file);
    bytes[bytes.length - 20]! ^= 1;
    await writeFile(file, bytes);
    const broken = await pratique(["audit", "verify", "--json"], { home: place.home });
    expect(broken.code).toBe(1);
    expect(broken.json<{ ok: boolean }>().ok).toBe(false);
    bytes[bytes.length - 20]! ^= 1;
    await writeFile(file, bytes);
  });

  it("is the same again: digests do not change, and the daemon that runs is used", async () => {
    const daemon = await startDaemon(place.home);
    try {
      const again = await pratique(["voyage", "--json"], { home: place.home });
      expect(again.code).toBe(0);
      const digests = (list: VoyageReport["artifacts"]) => list.map(({ digest }) => digest);
      expect(digests(again.json<VoyageReport>().artifacts)).toEqual(digests(report.artifacts));
      const records = await daemon.client.records({ run: again.json<VoyageReport>().run.id });
      expect(records.map((record) => record.action)).toContain("tool:call");
      const denied = records.find((record) => record.decision === "deny")!;
      const why = await pratique(["why", denied.id], { home: place.home });
      expect(why.stdout).toContain("no-writes");
      expect(why.stdout).toContain(report.artifacts.find(({ kind }) => kind === "mcp-server")!.digest);
    } finally {
      await daemon.stop();
    }
  });
});

describe("Ctrl-C in the middle", () => {
  it("ends the voyage, says so, and leaves a log that verifies", async () => {
    const place = await temporaryHome();
    const child = startProgram(["voyage", "--listen", "127.0.0.1:0"], { home: place.home });
    child.stdout!.on("data", (text: Buffer) => {
      if (text.includes("1 Pack")) child.kill("SIGINT");
    });
    const result = await finished(child);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("stopped before the end");
    expect(result.stderr).not.toContain("bug in Pratique");
    expect(result.stdout).not.toContain("5 Account");
    expect((await pratique(["audit", "verify"], { home: place.home })).code).toBe(0);
    await place.remove();
  });
});

describe("without a container engine", () => {
  const env = { PRATIQUE_CONTAINER_ENABLED: "false" };
  let place: Awaited<ReturnType<typeof temporaryHome>>;
  beforeAll(async () => void (place = await temporaryHome()));
  afterAll(() => place.remove());

  it("refuses to run the tool server unisolated, and says by which policy", async () => {
    const result = await pratique(["voyage", "--json"], { home: place.home, env });
    expect(result.code).toBe(3);
    const report = result.json<VoyageReport>();
    expect(report.run.problem?.code).toBe("policy.denied");
    expect(report.run.toolCalls).toEqual([]);
    const text = await pratique(["voyage"], { home: place.home, env });
    expect(text.stdout).toContain("isolation.required");
    expect(text.stdout).toContain("--allow-unisolated");
  });

  it("runs it when the user says so", async () => {
    const result = await pratique(["voyage", "--json", "--allow-unisolated"], { home: place.home, env });
    expect(result.code).toBe(0);
    expect(result.json<VoyageReport>().run.toolCalls.map(({ decision }) => decision)).toEqual(["allow", "deny"]);
  });
});
