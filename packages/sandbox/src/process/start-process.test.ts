// Plain processes: what they are given, and that none is left.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { startProcess } from "./start-process.ts";

const node = process.execPath;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it("gives a process its environment and nothing of ours", async () => {
  const script = "console.log(Object.keys(process.env).filter((name) => !/^(PWD|SHLVL|_|OLDPWD)$/.test(name)).join())";
  const child = await startProcess({ command: node, args: ["-e", script], env: { ONLY: "this" }, cwd: tmpdir() });
  expect(await text(child.stdout)).toBe("ONLY\n");
  expect(await child.exited).toEqual({ code: 0, oomKilled: false });
});

it("passes arguments on as they are, unread by a shell", async () => {
  const odd = `$(echo no) "; exit 3 #'`;
  const child = await startProcess({ command: node, args: ["-p", "process.argv[1]", odd], env: {}, cwd: tmpdir() });
  expect(await text(child.stdout)).toBe(`${odd}\n`);
});

it("ends a process that ignores its closed input and SIGTERM, with what it started", async () => {
  const script = `process.on("SIGTERM", () => {}); const { spawn } = require("node:child_process");
    const own = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]); console.log(own.pid); setInterval(() => {}, 1000)`;
  const child = await startProcess({ command: node, args: ["-e", script], env: {}, cwd: tmpdir() });
  const grandchild = Number(String((await once(child.stdout, "data"))[0]));
  await child.stop({ graceMs: 50 });
  expect(await child.exited).toEqual({ code: 137, oomKilled: false });
  await expect.poll(() => isAlive(grandchild)).toBe(false);
});

it("leaves no process when we are killed with SIGKILL", async () => {
  const parent = spawn(node, [fileURLToPath(new URL("../../../../test/fakes/sandbox-parent.ts", import.meta.url))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pid = Number(String((await once(parent.stdout, "data"))[0]));
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});

it("says when a command is not there", async () => {
  const child = await startProcess({ command: "/no/such/command", args: [], env: {}, cwd: tmpdir() });
  const [{ code }, stderr] = await Promise.all([child.exited, text(child.stderr)]);
  expect(code).toBe(127);
  expect(stderr).toContain("/no/such/command");
});
