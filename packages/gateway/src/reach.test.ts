// How tools reach clients of both revisions: found, run in programs, and approved at the client itself.
import type { Client } from "@modelcontextprotocol/client";
import { GatewayProfile, type ToolReachConfig } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard, type ApprovalRequest } from "@pratique/guard";
import { loadPolicySet } from "@pratique/policy";
import { afterEach, describe, expect, it } from "vitest";
import { defaultPolicyFiles, fakeServer, openGateway, textOf, type GatewayFixture } from "./gateway.fixture.ts";

let opened: GatewayFixture | undefined;
afterEach(async () => await opened?.close());

const ERAS = ["legacy", "modern"] as const;
const VERDICTS = { echo: { readOnly: true }, steps: { readOnly: true }, fail: { readOnly: true } };

async function gatewayWith(reach: Partial<ToolReachConfig>): Promise<GatewayFixture> {
  const team = GatewayProfile.parse({ servers: ["good"], ...reach });
  opened = await openGateway({ profiles: () => ({ team }) });
  opened.gateway.addServer(fakeServer("good", "mcp-good.ts", [], { verdicts: VERDICTS }));
  return opened;
}

const call = (client: Client, name: string, args: Record<string, unknown>) =>
  client.callTool({ name, arguments: args });

describe.each(ERAS)("a client of the %s revision", (era) => {
  it("lists two tools, finds others, and calls what it found", async () => {
    const { connect, records } = await gatewayWith({ search: true, pinned: ["fail"] });
    const client = await connect("agent", { era, profile: "team" });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).toSorted()).toEqual(["call_tool", "fail", "find_tool"]);
    expect(textOf(await call(client, "find_tool", { query: "say it again" }))).toMatch(
      /^echo\(\{ text: string \}\) Says/,
    );
    expect(textOf(await call(client, "call_tool", { name: "echo", arguments: { text: "hello" } }))).toBe("hello");
    const inner = records.filter(({ action, resource }) => action === "tool:call" && resource.id === "good/echo");
    expect(inner).toMatchObject([{ outcome: "done", principal: { type: "Workload" } }]);
  });

  it("may do in a program what it may do otherwise, and no more", async () => {
    const { connect, records } = await gatewayWith({ codeMode: true });
    const client = await connect("agent", { era, profile: "team" });
    const code = `
      const said = await Promise.all(["a", "b"].map((text) => tools.good.echo({ text })));
      const wrote = await tools.good.write().catch((error) => error.message);
      return { said, wrote };`;
    expect(JSON.parse(textOf(await call(client, "run_code", { code })))).toEqual({
      said: ["a", "b"],
      wrote: "denied: policy no-writes forbids write",
    });
    const outer = records.find(({ resource }) => resource.id === "pratique/run_code");
    const inner = records.filter(({ resource }) => /^good\/(echo|write)$/.test(resource.id));
    expect(inner.map(({ outcome }) => outcome).toSorted()).toEqual(["denied", "done", "done"]);
    expect(outer?.details?.["call"]).toEqual(expect.any(String));
    for (const { details } of inner) expect(details?.["within"]).toBe(outer?.details?.["call"]);
  });
});

describe.each(ERAS)("a person's client of the %s revision", (era) => {
  it("is asked for the approval that policy wants, and the call goes on", async () => {
    const files = await defaultPolicyFiles();
    const careful = `@id("careful") @reason("Careful.") @remedy("ask")
      forbid (principal, action == Pratique::Action::"tool:call", resource)
      unless { context has approved && context.approved };`;
    const set = loadPolicySet({ schema: files.schema, files: { ...files.files, "careful.cedar": careful } });
    const asked: ApprovalRequest[] = [];
    const guard = createGuard({
      policy: () => set,
      clock: systemClock,
      log: silentLog,
      audit: { append: async (body) => ({ ...body, version: 1, id: "r", sequence: 0, time: "" }) },
      approver: {
        ask: async (request) => {
          asked.push(request);
          const approved = await request.waiting?.ask?.("May it?");
          return approved === undefined ? undefined : { approved, by: "owner" };
        },
      },
    });
    opened = await openGateway({ guard });
    opened.gateway.addServer(fakeServer("good", "mcp-good.ts"));
    const client = await opened.connect("owner", { era, client: { capabilities: { elicitation: {} } } });
    const questions: string[] = [];
    let answer: "accept" | "decline" = "accept";
    client.setRequestHandler("elicitation/create", ({ params }) => {
      questions.push(params.message);
      return { action: answer, content: { approve: true } };
    });
    expect(textOf(await call(client, "echo", { text: "hi" }))).toBe("hi");
    answer = "decline";
    expect(textOf(await call(client, "echo", { text: "hi" }))).toBe("denied: policy careful forbids echo");
    expect(questions).toEqual(["May it?", "May it?"]);
    expect(asked.every(({ argumentsDigest }) => argumentsDigest === asked[0]?.argumentsDigest)).toBe(true);
    await call(client, "echo", { text: "other" });
    expect(asked.at(-1)?.argumentsDigest).not.toBe(asked[0]?.argumentsDigest);
    // An agent has nobody at its client.
    const agent = await opened.connect("agent", { era, client: { capabilities: { elicitation: {} } } });
    await call(agent, "echo", { text: "hi" });
    expect(asked.at(-1)?.waiting?.ask).toBeUndefined();
    expect(questions).toHaveLength(3);
  });
});
