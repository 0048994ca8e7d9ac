// A call that needs a person's yes: denied, approved, done; altered; waited for; and the daemon killed meanwhile.
import type { ApprovalResult, PendingApproval } from "@pratique/contracts";
import { afterEach, beforeEach, expect, it } from "vitest";
import { carefulHome, said, type CarefulHome } from "../support/careful-home.ts";
import { finished, pratique, startProgram, type Daemon } from "../support/program.ts";

let careful: CarefulHome;
let daemon: Daemon;
beforeEach(async () => {
  careful = await carefulHome({ expireSeconds: 60 });
  daemon = await careful.start();
});
afterEach(async () => {
  await daemon.stop();
  await careful.remove();
});

const DENIED = "denied: policy careful forbids write_note";
const note = (text: string) => ({ name: "write_note", arguments: { text } });

async function pending(): Promise<readonly PendingApproval[]> {
  const { approvals } = (await pratique(["approvals", "ls", "--json"], careful)).json<{
    approvals: PendingApproval[];
  }>();
  return approvals;
}

it("denied, approved from the command line, done once; not with other arguments, not after a kill of what only waited", async () => {
  const client = await careful.connect(daemon);
  expect(said(await client.callTool(note("a")))).toBe(DENIED);
  expect(said(await client.callTool(note("b")))).toBe(DENIED);
  const [a, b] = await pending();
  expect([a?.arguments, b?.arguments]).toEqual([{ text: "a" }, { text: "b" }]);
  const listed = await pratique(["approvals", "ls"], careful);
  expect(listed.stdout).toContain('text: "a"');
  const approved = await pratique(["approvals", "approve", a!.id, "--json"], careful);
  expect(approved.json<ApprovalResult>()).toMatchObject({ answer: "approve", isWaiting: false });
  const again = await pratique(["approvals", "deny", a!.id], careful);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("was answered already") as string });
  expect((await pratique(["approvals", "approve", b!.id, "--for", "2d"], careful)).code).toBe(3);

  // What was acknowledged outlives the daemon; what only waited does not.
  await daemon.kill();
  daemon = await careful.start();
  expect(await pending()).toEqual([]);
  expect((await pratique(["approvals", "approve", b!.id], careful)).stderr).toContain("nothing waits");
  const second = await careful.connect(daemon);
  expect(said(await second.callTool(note("b")))).toBe(DENIED);
  expect(said(await second.callTool(note("a")))).toBe("written");
  expect(said(await second.callTool(note("a")))).toBe(DENIED);
  expect(careful.notes.notes).toEqual(["a"]);
  const records = await daemon.client.records({ action: "admin:approve" });
  expect(records).toMatchObject([
    { outcome: "done", details: { approval: a!.id, answer: "approve" } },
    { outcome: "denied", details: { approval: b!.id } },
  ]);
  expect(await daemon.client.verifyAudit()).toMatchObject({ ok: true });
});

it("waits while somebody watches, and goes on with his answer; it is gone with its caller, and with the daemon", async () => {
  const watch = startProgram(["approvals", "watch", "--json"], careful);
  const lists = linesOf(watch.stdout!);
  await lists.until(({ approvals }) => approvals.length === 0);
  const client = await careful.connect(daemon);

  const first = client.callTool(note("a"));
  const [a] = await lists.until(({ approvals }) => approvals[0]?.isWaiting === true);
  await daemon.client.answerApproval(a!.id, { answer: "approve", rememberSeconds: 0 });
  expect(said(await first)).toBe("written");

  const second = client.callTool(note("b"));
  const [b] = await lists.until(({ approvals }) => approvals[0]?.isWaiting === true);
  await daemon.client.answerApproval(b!.id, { answer: "deny", rememberSeconds: 0 });
  expect(said(await second)).toBe(DENIED);

  const gone = new AbortController();
  const third = client.callTool(note("c"), { signal: gone.signal }).catch(() => "left");
  await lists.until(({ approvals }) => approvals[0]?.isWaiting === true);
  gone.abort();
  expect(await third).toBe("left");
  await lists.until(({ approvals }) => approvals.length === 0);

  const fourth = client.callTool(note("d")).catch(() => "lost");
  await lists.until(({ approvals }) => approvals[0]?.isWaiting === true);
  await daemon.kill();
  expect(await fourth).toBe("lost");
  expect((await finished(watch)).code).toBe(1);
  daemon = await careful.start();
  expect(await pending()).toEqual([]);
  expect(careful.notes.notes).toEqual(["a"]);
  expect(await daemon.client.verifyAudit()).toMatchObject({ ok: true });
});

it("a program's call waits like any other, and its record names the program", async () => {
  const client = await careful.connect(daemon, "team");
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["find_tool", "call_tool", "run_code"]);
  const reader = new AbortController();
  const lists = daemon.client.followApprovals(reader.signal);
  await lists.next();
  const code = `return await tools.notes.write_note({ text: "from a program" }).catch((error) => error.message)`;
  const running = client.callTool({ name: "run_code", arguments: { code } });
  for await (const { approvals } of lists) {
    if (approvals[0]?.isWaiting !== true) continue;
    expect(approvals[0].arguments).toEqual({ text: "from a program" });
    await daemon.client.answerApproval(approvals[0].id, { answer: "approve", rememberSeconds: 0 });
    break;
  }
  expect(said(await running)).toBe('"written"');
  reader.abort();
  const records = await daemon.client.records({ action: "tool:call" });
  const [inner, outer] = ["notes/write_note", "pratique/run_code"].map((id) =>
    records.find(({ resource }) => resource.id === id),
  );
  expect(inner?.details?.["within"]).toBe(outer?.details?.["call"]);
});

/** Reads lists, one a line, until one is so. */
function linesOf(stream: NodeJS.ReadableStream) {
  const seen: { approvals: PendingApproval[] }[] = [];
  let wake = (): void => undefined;
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) seen.push(JSON.parse(line) as { approvals: PendingApproval[] });
    wake();
  });
  return {
    async until(isSo: (list: { approvals: PendingApproval[] }) => boolean): Promise<PendingApproval[]> {
      for (;;) {
        const found = seen.shift();
        if (found === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (isSo(found)) return found.approvals;
      }
    },
  };
}
