// The keys of secrets in a real keyring: gnome-keyring as the Secret Service, in a D-Bus session without a screen.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it, type TestContext } from "vitest";
import { skipWithout } from "./peers/sid-tree.ts";

const KEEPER = resolve(import.meta.dirname, "..", "fakes", "secret-keeper.ts");
const VALUE = "correct-horse-battery-staple";

let home = "";
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), "pratique-keyring-"))));
afterEach(() => rm(home, { recursive: true, force: true }));

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, XDG_RUNTIME_DIR: home };
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((done) => {
    child.once("error", (error) => done({ code: null, output: error.message }));
    child.once("close", (code) => done({ code, output }));
  });
}

/** Runs the keeper in a session of its own, with the keyring unlocked by a password, locked, or absent. */
async function inSession(keyring: "unlocked" | "locked" | "absent", ...words: string[]): Promise<Ran> {
  const keeper = [process.execPath, KEEPER, join(home, "state"), ...words].map((word) => `'${word}'`).join(" ");
  if (keyring === "absent") return await run("sh", ["-c", keeper]);
  const daemon = "gnome-keyring-daemon --components=secrets";
  const start = keyring === "unlocked" ? `printf password | ${daemon} --unlock` : `${daemon} --start`;
  return await run("dbus-run-session", ["--", "sh", "-c", `${start} >/dev/null 2>&1; ${keeper}`]);
}

async function needKeyring(context: TestContext): Promise<void> {
  for (const command of ["dbus-run-session", "gnome-keyring-daemon"]) {
    const { code } = await run("sh", ["-c", `command -v ${command}`]);
    if (code !== 0) skipWithout(context, command, "apt-get install gnome-keyring dbus-daemon");
  }
}

it("keeps the keys there, over sessions, and goes without nothing when it is locked or away", async (context) => {
  await needKeyring(context);
  expect(await inSession("unlocked", "set", VALUE)).toMatchObject({
    code: 0,
    output: expect.stringContaining("keyring"),
  });
  expect(await readdir(join(home, "state", "keys"))).toEqual(["secrets.backend"]);
  expect(await inSession("unlocked", "get")).toMatchObject({ code: 0, output: expect.stringContaining(VALUE) });
  for (const keyring of ["locked", "absent"] as const) {
    const { code, output } = await inSession(keyring, "get");
    expect([code, output]).toEqual([1, expect.stringContaining("secrets.keys-unreachable")]);
    expect(await inSession(keyring, "set", "another value")).toMatchObject({ code: 1 });
  }
  expect(await readdir(join(home, "state", "keys"))).toEqual(["secrets.backend"]);
  // The keyring's own file holds the ring, sealed under the password of its owner.
  const file = await readFile(join(home, ".local/share/keyrings/login.keyring"));
  expect(file.includes("current")).toBe(false);
}, 120_000);
