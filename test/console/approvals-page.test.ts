// What waits for approval, in a real browser: it comes by itself, shows what is asked for, and is answered there.
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { carefulHome, said, type CarefulHome } from "../support/careful-home.ts";
import type { Daemon } from "../support/program.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find(existsSync);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

let careful: CarefulHome;
let daemon: Daemon;
let browser: Browser | undefined;
beforeAll(async () => {
  careful = await carefulHome();
  daemon = await careful.start();
  if (CHROMIUM !== undefined) browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});
afterAll(async () => {
  await browser?.close();
  await daemon.stop();
  await careful.remove();
});

it("shows a call that waits, with its arguments as plain text, and lets it go on", async (context) => {
  if (browser === undefined) return context.skip("no Chromium: apt-get install chromium");
  const login = { httpCredentials: { username: "owner", password: daemon.token } };
  const page = await (await browser.newContext(login)).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => (message.type() === "error" ? complaints.push(message.text()) : undefined));
  const watching = page.waitForResponse((response) => response.url().endsWith("/approvals/events"));
  await page.goto(`${daemon.url}/console/`);
  await watching;
  const client = await careful.connect(daemon);
  const text = `<b onclick="alert(1)">bold</b> \u202Eknil`;
  const first = client.callTool({ name: "write_note", arguments: { text } });
  const card = page.locator("#approvals > li");
  await card.getByRole("heading", { name: "tool:call notes/write_note" }).waitFor();
  const shown = await card.innerText();
  expect(shown).toContain('<b onclick="alert(1)">bold</b> \\u{202e}knil');
  expect(shown).toMatch(/careful: .+/);
  const picture = process.env["PRATIQUE_TEST_PICTURES"];
  if (picture !== undefined) await page.screenshot({ path: `${picture}/approvals.png`, fullPage: true });
  await card.getByRole("button", { name: "Approve once" }).click();
  await page.getByText(/^Approved: tool:call notes\/write_note, record /).waitFor();
  expect(said(await first)).toBe("written");
  await card.waitFor({ state: "detached" });

  const second = client.callTool({ name: "write_note", arguments: { text: "b" } });
  await card.getByRole("button", { name: "Deny" }).click();
  expect(said(await second)).toBe("denied: policy careful forbids write_note");
  expect(careful.notes.notes).toHaveLength(1);
  expect(complaints).toEqual([]);
});

it("takes no answer from a page elsewhere, and nothing else from the console's session", async (context) => {
  if (browser === undefined) return context.skip("no Chromium: apt-get install chromium");
  const session = await fetch(`${daemon.url}/console/`, {
    headers: { authorization: `Basic ${Buffer.from(`owner:${daemon.token}`).toString("base64")}` },
    redirect: "manual",
  });
  const key = /#answer=(.+)$/.exec(session.headers.get("location") ?? "")?.[1] ?? "";
  const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
  const id = "00000000-0000-7000-8000-000000000000";
  const send = async (path: string, headers: Record<string, string>): Promise<number> => {
    const response = await fetch(`${daemon.url}/control/v1${path}`, {
      method: "POST",
      headers: { cookie, "content-type": "application/json", ...headers },
      body: '{"answer":"approve"}',
    });
    return response.status;
  };
  const own = { origin: daemon.url, "x-pratique-console": key };
  expect(await send(`/approvals/${id}`, own)).toBe(404);
  expect(await send(`/approvals/${id}`, { ...own, origin: "http://evil.example" })).toBe(403);
  expect(await send(`/approvals/${id}`, { "x-pratique-console": key })).toBe(401);
  // The cookie, which every port of this machine sees, answers nothing.
  expect(await send(`/approvals/${id}`, { ...own, "x-pratique-console": "answer" })).toBe(401);
  expect(await send(`/approvals/${id}`, { origin: daemon.url })).toBe(401);
  expect(await send("/artifacts/clear", own)).toBe(401);
  expect(await send(`/approvals/${id}/../../artifacts/clear`, own)).toBe(401);
});
