// Clients as `gateway connect` sets them up: the official client over the bridge in both eras, and files that come back.
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { carefulHome, said, type CarefulHome } from "../support/careful-home.ts";
import { cleanEnvironment, pratique, type Daemon } from "../support/program.ts";

let careful: CarefulHome;
let daemon: Daemon;
beforeAll(async () => {
  careful = await carefulHome();
  daemon = await careful.start();
});
afterAll(async () => {
  await daemon.stop();
  await careful.remove();
});

const run = (...args: string[]) => pratique(args, { home: careful.home, env: { HOME: careful.home } });

interface Connected {
  readonly mcpServers: {
    readonly pratique: { readonly command: string; readonly args: string[]; readonly url: string };
  };
}

describe.each(["legacy", "modern"] as const)("a client of the %s revision over the bridge", (era) => {
  it("lists, is asked, calls, and hears nothing of a daemon that was started anew", async () => {
    expect((await run("gateway", "connect", "claude-desktop")).code).toBe(0);
    const file = join(careful.home, ".config", "Claude", "claude_desktop_config.json");
    const { mcpServers } = JSON.parse(await readFile(file, "utf8")) as Connected;
    const { command, args } = mcpServers.pratique;
    const mode = era === "modern" ? { pin: "2026-07-28" } : ("legacy" as const);
    const options = { versionNegotiation: { mode }, capabilities: { elicitation: {} } };
    const client = new Client({ name: "desktop", version: "0" }, options);
    client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { approve: true } }));
    await client.connect(new StdioClientTransport({ command, args, env: cleanEnvironment() }));
    try {
      expect(client.getProtocolEra()).toBe(era);
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain("write_note");
      const call = (text: string) => client.callTool({ name: "write_note", arguments: { text } });
      expect(said(await call("a"))).toBe("written");
      const { host } = new URL(daemon.url);
      await daemon.kill();
      daemon = await careful.start(host);
      expect(said(await call("ü and more"))).toBe("written");
      expect(careful.notes.notes.slice(-2)).toEqual(["a", "ü and more"]);
    } finally {
      await client.close();
    }
    expect((await run("gateway", "disconnect", "claude-desktop")).code).toBe(0);
    await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

it("writes and restores a file of its owner's, and says what is connected", async () => {
  const file = join(careful.home, ".cursor", "mcp.json");
  const before = '{\n\t// mine\n\t"mcpServers": { }\n}';
  await mkdir(join(careful.home, ".cursor"));
  await writeFile(file, before, { mode: 0o644 });
  const connected = await run("gateway", "connect", "cursor", "--profile", "notes");
  expect(connected.stdout).toContain("only you may read it");
  expect(await readFile(file, "utf8")).toContain(`${daemon.url}/mcp/notes`);
  // Connected again, it is as if it had been connected once.
  expect((await run("gateway", "connect", "cursor")).code).toBe(0);
  const listed = await run("gateway", "clients");
  expect(listed.stdout).toMatch(/^cursor +connected/m);
  expect(listed.stdout).toMatch(/^goose +not found/m);
  expect((await run("gateway", "disconnect", "cursor")).stdout).toContain("as it was before");
  expect(await readFile(file, "utf8")).toBe(before);
  expect((await run("gateway", "disconnect", "cursor")).code).toBe(1);
  expect((await run("gateway", "connect", "emacs")).stderr).toContain("one of: claude-code");
});
