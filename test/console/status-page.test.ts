// The status page in a real browser: real data, no violations of its own content policy, and nothing without a login.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXAMPLES, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find(existsSync);

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let browser: Browser | undefined;

beforeAll(async () => {
  place = await temporaryHome();
  daemon = await startDaemon(place.home);
  await daemon.client.pack({ directory: join(EXAMPLES, "skill", "harbour-notes"), reference: "page/notes:1" });
  await daemon.client.sign("page/notes:1");
  await daemon.client.clear("page/notes:1");
  if (CHROMIUM !== undefined) {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  }
});
afterAll(async () => {
  await browser?.close();
  await daemon.stop();
  await place.remove();
});

it("asks who is there", async () => {
  const answer = await fetch(`${daemon.url}/console/`);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("www-authenticate")).toMatch(/^Basic /);
  expect(await answer.text()).toContain("pratique token");
});

it("shows artifacts and records to the owner", async (context) => {
  if (browser === undefined) return context.skip("no Chromium: apt-get install chromium");
  const page = await (
    await browser.newContext({ httpCredentials: { username: "owner", password: daemon.token } })
  ).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => (message.type() === "error" ? complaints.push(message.text()) : undefined));
  await page.goto(`${daemon.url}/console/`);
  await page.getByText("1 artifacts, 1 cleared").waitFor();
  expect(await page.locator("#artifacts tbody tr").allInnerTexts()).toEqual([
    expect.stringMatching(/skill\s.*page\/notes:1\s.*yes\s+yes/s),
  ]);
  const records = await page.locator("#records tbody").innerText();
  for (const action of ["artifact:push", "artifact:sign", "artifact:clear"]) expect(records).toContain(action);
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByText("1 artifacts, 1 cleared").waitFor();
  expect(complaints).toEqual([]);
});
